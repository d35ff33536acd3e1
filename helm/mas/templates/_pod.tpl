{{/* What the restricted pod security standard asks for. Call with the user id. */}}
{{- define "mas.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "mas.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* All that is secret, in one read-only volume: nothing of it is in the environment. */}}
{{- define "mas.secretVolume" -}}
projected:
  defaultMode: 0440
  sources:
    - secret:
        name: {{ include "mas.secretName" . }}
        items:
          - {key: system-token, path: secrets/system-token}
          - {key: signing-key, path: secrets/signing-key}
          {{- if include "mas.clustered" . }}
          - {key: cluster-secret, path: secrets/cluster-secret}
          {{- end }}
    {{- if include "mas.clustered" . }}
    - secret:
        name: {{ include "mas.backendsName" . }}
        items:
          - {key: mongodb-url, path: backends/mongodb-url}
          - {key: redis-url, path: backends/redis-url}
          - {key: rabbitmq-url, path: backends/rabbitmq-url}
    {{- range $name := list "mongodb" "redis" "rabbitmq" }}
    {{- with (index $.Values.backends $name).caSecret }}
    - secret:
        name: {{ . }}
        items:
          - {key: ca.crt, path: ca/{{ $name }}.crt}
    {{- end }}
    {{- end }}
    {{- end }}
    {{- with .Values.tls.existingSecret }}
    - secret:
        name: {{ . }}
        items:
          - {key: tls.crt, path: tls/tls.crt}
          - {key: tls.key, path: tls/tls.key}
    {{- end }}
    {{- with .Values.tls.caSecret }}
    - secret:
        name: {{ . }}
        items:
          - {key: ca.crt, path: ca/api.crt}
    {{- end }}
    {{- with .Values.peerTls.existingSecret }}
    - secret:
        name: {{ . }}
        items:
          - {key: tls.crt, path: peer/tls.crt}
          - {key: tls.key, path: peer/tls.key}
          - {key: ca.crt, path: peer/ca.crt}
    {{- end }}
{{- end -}}

{{/* Whom commands trust, beside the public authorities. */}}
{{- define "mas.commandTrust" -}}
{{- if .Values.tls.caSecret }}
- name: MAS_CA_FILE
  value: /run/mas/ca/api.crt
{{- end }}
{{- end -}}

{{/* What differs from pod to pod. A container's own variables may refer to earlier ones. */}}
{{- define "mas.environment" -}}
- name: MAS_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
# For commands run in the pod: kubectl exec ... -- mas status
- name: MAS_SYSTEM_TOKEN_FILE
  value: /run/mas/secrets/system-token
{{- if .Values.tls.existingSecret }}
# A name that the certificate has; in the pod it is the pod itself.
- name: MAS_SERVER
  value: https://{{ include "mas.serviceHost" . }}:7080
{{- end }}
{{- include "mas.commandTrust" . }}
{{- if include "mas.clustered" . }}
{{- $domain := printf "%s.%s.svc" (include "mas.headless" .) .Release.Namespace }}
- name: MAS_CLUSTER_ADVERTISE_API
  value: $(MAS_NODE_NAME).{{ $domain }}:7080
- name: MAS_CLUSTER_ADVERTISE_PEER
  value: $(MAS_NODE_NAME).{{ $domain }}:7081
- name: MAS_CLUSTER_ZONE
  {{- if .Values.zone }}
  value: {{ .Values.zone | quote }}
  {{- else }}
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['topology.kubernetes.io/zone']
  {{- end }}
{{- end }}
{{- end -}}
