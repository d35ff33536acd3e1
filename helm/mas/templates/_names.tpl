{{/* Names and labels. 40 characters leave room for suffixes and for the StatefulSet's own. */}}
{{- define "mas.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "mas.fullname" -}}
{{- $name := include "mas.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes: selectors and claims. */}}
{{- define "mas.selector" -}}
app.kubernetes.io/name: {{ include "mas.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mas.labels" -}}
{{ include "mas.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "mas.headless" -}}
{{ include "mas.fullname" . }}-pods
{{- end -}}

{{- define "mas.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{- define "mas.secretName" -}}
{{ default (printf "%s-secrets" (include "mas.fullname" .)) .Values.secrets.existingSecret }}
{{- end -}}

{{/* The Secret with the backends' URLs. */}}
{{- define "mas.backendsName" -}}
{{- $own := printf "%s-%s" (include "mas.fullname" .) (ternary "trial" "backends" .Values.backends.bundled) -}}
{{ default $own .Values.backends.existingSecret }}
{{- end -}}

{{- define "mas.serviceHost" -}}
{{ include "mas.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{/* Where clients in the cluster reach the API. */}}
{{- define "mas.url" -}}
{{ ternary "https" "http" (not (empty .Values.tls.existingSecret)) }}://{{ include "mas.serviceHost" . }}:{{ .Values.service.port }}
{{- end -}}

{{/* The ports of MongoDB, Redis and RabbitMQ, as a JSON list: the usual ones, those that the given URLs
     name, and those of networkPolicy.backendPorts. */}}
{{- define "mas.backendPorts" -}}
{{- $ports := list 27017 6379 5671 5672 -}}
{{- range $name := list "mongodb" "redis" "rabbitmq" -}}
{{- $hosts := regexReplaceAll "^[a-z+]+://([^/@]*@)?([^/?]*).*$" (index $.Values.backends $name).url "${2}" -}}
{{- range $found := regexFindAll ":[0-9]+(,|$)" $hosts -1 -}}
{{- $ports = append $ports (trimAll ":," $found | int) -}}
{{- end -}}
{{- end -}}
{{- range .Values.networkPolicy.backendPorts -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{ $ports | uniq | toJson }}
{{- end -}}
