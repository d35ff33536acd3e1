{{/* What a Secret of this release holds in the cluster already, as a YAML map; {} where it is new.
     Call with (list $ name). */}}
{{- define "mas.kept" -}}
{{- $root := index . 0 -}}
{{- $old := lookup "v1" "Secret" $root.Release.Namespace (index . 1) | default dict -}}
{{- $old.data | default dict | toYaml -}}
{{- end -}}

{{/* One value of a Secret, in the clear: the given one, else the kept one, else a random one.
     Call with (list kept key given length). */}}
{{- define "mas.secretValue" -}}
{{- $kept := index . 0 -}}
{{- $key := index . 1 -}}
{{- if index . 2 -}}
{{- index . 2 -}}
{{- else if hasKey $kept $key -}}
{{- index $kept $key | b64dec -}}
{{- else -}}
{{- randAlphaNum (index . 3 | int) -}}
{{- end -}}
{{- end -}}
