{{/* A server of the trial that keeps nothing on disk: its service and its pod. Call with a dict of
     root, name, port, mounts (of files from the Secret: path by key) and scratch (writable folders);
     args and env are optional. */}}
{{- define "mas.trialServer" -}}
{{- $values := index .root.Values.trial .name -}}
{{- $fullname := printf "%s-%s" (include "mas.fullname" .root) .name -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $fullname }}
  labels:
    {{- include "mas.labels" .root | nindent 4 }}
spec:
  selector:
    {{- include "mas.selector" .root | nindent 4 }}
    app.kubernetes.io/component: trial-{{ .name }}
  ports:
    - {name: {{ .name }}, port: {{ .port }}, targetPort: {{ .name }}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $fullname }}
  labels:
    {{- include "mas.labels" .root | nindent 4 }}
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      {{- include "mas.selector" .root | nindent 6 }}
      app.kubernetes.io/component: trial-{{ .name }}
  template:
    metadata:
      labels:
        {{- include "mas.selector" .root | nindent 8 }}
        app.kubernetes.io/component: trial-{{ .name }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        {{- include "mas.podSecurity" 999 | nindent 8 }}
      containers:
        - name: {{ .name }}
          image: {{ $values.image }}
          {{- with .args }}
          args: {{ toJson . }}
          {{- end }}
          {{- with .env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            - {name: {{ .name }}, containerPort: {{ .port }}}
          readinessProbe:
            tcpSocket: {port: {{ .name }}}
            periodSeconds: 5
          livenessProbe:
            tcpSocket: {port: {{ .name }}}
            initialDelaySeconds: 120
            periodSeconds: 10
            failureThreshold: 6
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "mas.containerSecurity" .root | nindent 12 }}
          volumeMounts:
            {{- range $key, $path := .mounts }}
            - {name: trial, mountPath: {{ $path }}, subPath: {{ $key }}, readOnly: true}
            {{- end }}
            {{- range $at, $path := .scratch }}
            - {name: scratch-{{ $at }}, mountPath: {{ $path }}}
            {{- end }}
      volumes:
        - name: trial
          secret:
            secretName: {{ include "mas.backendsName" .root }}
            defaultMode: 0440
            items:
              {{- range $key, $path := .mounts }}
              - {key: {{ $key }}, path: {{ $key }}}
              {{- end }}
        {{- range $at, $path := .scratch }}
        - name: scratch-{{ $at }}
          emptyDir: {}
        {{- end }}
{{- end -}}
