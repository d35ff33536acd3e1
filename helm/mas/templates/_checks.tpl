{{/* "yes" where the pods are, or can become, a cluster; "" for a single one on embedded metadata. */}}
{{- define "mas.clustered" -}}
{{- $b := .Values.backends -}}
{{- if or $b.bundled $b.existingSecret $b.mongodb.url $b.redis.url $b.rabbitmq.url -}}yes{{- end -}}
{{- end -}}

{{/* What values may not be together; each stops the rendering with what to do. */}}
{{- define "mas.check" -}}
{{- $b := .Values.backends -}}
{{- $given := list -}}
{{- $missing := list -}}
{{- range $name := list "mongodb" "redis" "rabbitmq" -}}
{{- if (index $b $name).url -}}
{{- $given = append $given $name -}}
{{- else -}}
{{- $missing = append $missing (printf "backends.%s.url" $name) -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not (include "mas.clustered" .)) -}}
{{- fail (printf "replicas is %d, but more than one pod needs MongoDB, Redis and RabbitMQ: set backends.mongodb.url, backends.redis.url and backends.rabbitmq.url, or backends.existingSecret, or backends.bundled=true for a trial." (int .Values.replicas)) -}}
{{- end -}}
{{- if and $b.bundled $b.existingSecret -}}
{{- fail "backends.bundled and backends.existingSecret exclude each other: keep one." -}}
{{- end -}}
{{- if and $given (or $b.bundled $b.existingSecret) -}}
{{- fail (printf "backends.%s.url is set beside backends.%s: keep one of the two." (first $given) (ternary "bundled" "existingSecret" $b.bundled)) -}}
{{- end -}}
{{- if and $given $missing -}}
{{- fail (printf "A cluster needs all three backends; also set %s." (join " and " $missing)) -}}
{{- end -}}
{{- if and $b.bundled (or $b.mongodb.caSecret $b.redis.caSecret $b.rabbitmq.caSecret) -}}
{{- fail "The servers of backends.bundled speak no TLS: leave the caSecret values empty." -}}
{{- end -}}
{{- if and .Values.tls.caSecret (not .Values.tls.existingSecret) -}}
{{- fail "tls.caSecret is set, but the API speaks plain HTTP: set tls.existingSecret, too, or leave it empty." -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.dnsPorts) -}}
{{- fail "networkPolicy.dnsPorts is empty: pods find nobody without DNS." -}}
{{- end -}}
{{- if and .Values.peerTls.existingSecret (not (include "mas.clustered" .)) -}}
{{- fail "peerTls.existingSecret is set, but a single pod on embedded metadata has no peers: set backends, or leave it empty." -}}
{{- end -}}
{{- end -}}
