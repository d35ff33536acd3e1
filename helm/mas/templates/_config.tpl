{{/* mas.toml: the chart's defaults, the user's keys over them, and the keys that the chart owns. JSON
     strings, numbers, booleans and lists of strings are TOML as they stand. */}}
{{- define "mas.toml" -}}
{{- $host := .Values.listenHost -}}
{{- $defaults := dict -}}
{{- $owned := dict
      "node" (dict "data" (list "/var/lib/mas/data")
                   "shutdown_timeout" (printf "%d s" (int .Values.shutdown.timeoutSeconds)))
      "http" (dict "listen" (printf "%s:7080" $host))
      "metrics" (dict "listen" (printf "%s:7082" $host))
      "auth" (dict "system_token_files" (list "/run/mas/secrets/system-token")
                   "signing_key_files" (list "/run/mas/secrets/signing-key")) -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $owned "tls" (dict "certificate" "/run/mas/tls/tls.crt" "key" "/run/mas/tls/tls.key") -}}
{{- end -}}
{{- if include "mas.clustered" . -}}
{{- $_ := set $defaults "cluster" (dict "name" (printf "%s.%s" .Release.Namespace (include "mas.fullname" .) | trunc 63)) -}}
{{- $_ := set $owned "cluster" (dict "listen" (printf "%s:7081" $host)
                                     "secret_file" "/run/mas/secrets/cluster-secret") -}}
{{- range $name := list "mongodb" "redis" "rabbitmq" -}}
{{- $server := dict "url_file" (printf "/run/mas/backends/%s-url" $name) -}}
{{- if (index $.Values.backends $name).caSecret -}}
{{- $_ := set $server "ca_file" (printf "/run/mas/ca/%s.crt" $name) -}}
{{- end -}}
{{- $_ := set $owned $name $server -}}
{{- end -}}
{{- if .Values.peerTls.existingSecret -}}
{{- $_ := set $owned "peer" (dict "certificate" "/run/mas/peer/tls.crt" "key" "/run/mas/peer/tls.key"
                                  "ca_file" "/run/mas/peer/ca.crt") -}}
{{- end -}}
{{- end -}}
{{- range $section, $keys := mergeOverwrite $defaults (deepCopy .Values.config) $owned }}
[{{ $section }}]
{{- range $key, $value := $keys }}
{{ $key }} = {{ toJson $value }}
{{- end }}
{{ end }}
{{- end -}}
