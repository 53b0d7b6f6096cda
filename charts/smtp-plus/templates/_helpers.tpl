{{/* Names are fixed: an installation has a namespace of its own, whose name tells those of the cluster's objects apart. */}}
{{- define "smtp-plus.labels" -}}
{{- include "smtp-plus.labelsAnd" (dict "root" . "labels" dict) -}}
{{- end }}

{{/* Those of every object, and some of its own, which count over `commonLabels`. */}}
{{- define "smtp-plus.labelsAnd" -}}
app.kubernetes.io/part-of: smtp-plus
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- with include "smtp-plus.furtherLabels" (merge (deepCopy .labels) .root.Values.commonLabels) }}
{{ . }}
{{- end }}
{{- end }}

{{/* Without those that the chart sets itself, and selects by. */}}
{{- define "smtp-plus.furtherLabels" -}}
{{- with omit . "app.kubernetes.io/name" "app.kubernetes.io/part-of" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" "smtpplus.io/relay-class" }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* Of pods: those of all objects, and those of their own, which count over them. */}}
{{- define "smtp-plus.podLabels" -}}
{{- include "smtp-plus.furtherLabels" (merge (deepCopy .podLabels) .commonLabels) -}}
{{- end }}

{{- define "smtp-plus.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{/* Of the class `default` without its name, since most installations have that one alone. */}}
{{- define "smtp-plus.relayName" -}}
{{- if eq . "default" }}smtp-plus-relay{{ else }}smtp-plus-relay-{{ . }}{{ end }}
{{- end }}

{{/* By which applications reach the relays of a class; the first one is what they are told. */}}
{{- define "smtp-plus.relayNames" -}}
{{- $service := include "smtp-plus.relayName" .name -}}
{{- range $one := list $service (printf "%s-pods" $service) }}
- {{ $one }}.{{ $.root.Release.Namespace }}.svc
- {{ $one }}.{{ $.root.Release.Namespace }}.svc.cluster.local
{{- end }}
{{- end }}

{{/* The Secret that the operator takes the certificate of a class from; empty: it makes one itself. */}}
{{- define "smtp-plus.certificateSecret" -}}
{{- if .class.tls.certManager.enabled -}}
{{- if .class.tls.secretName -}}
{{- fail (printf "classes.%s: tls.secretName and tls.certManager.enabled are two sources of one certificate; take one of them away" .name) -}}
{{- end -}}
{{- printf "%s-certificate" (include "smtp-plus.relayName" .name) -}}
{{- else -}}
{{- .class.tls.secretName -}}
{{- end -}}
{{- end }}

{{/* What a class is made of, as YAML: `relays` of the values, and what the class says itself. */}}
{{- define "smtp-plus.class" -}}
{{- mergeOverwrite (deepCopy .root.Values.relays) (dict "settings" dict) (deepCopy (.class | default dict)) | toYaml -}}
{{- end }}

{{/* The settings file of the operator. */}}
{{- define "smtp-plus.settings" -}}
{{- $root := . -}}
{{- if not .Values.classes -}}
{{- fail "classes: an installation needs one relay class at least; add `classes: {default: {}}`" -}}
{{- end -}}
{{- $classes := dict -}}
{{- range $name, $class := .Values.classes -}}
{{- $given := include "smtp-plus.class" (dict "root" $root "class" $class) | fromYaml -}}
{{- $host := printf "%s.%s.svc" (include "smtp-plus.relayName" $name) $root.Release.Namespace -}}
{{- $told := dict "ports" list "implicitTlsPorts" list -}}
{{- range $port := $given.service.ports -}}
{{- $list := eq (int $port) 465 | ternary "implicitTlsPorts" "ports" -}}
{{- $_ := set $told $list (append (get $told $list) (int $port)) -}}
{{- end -}}
{{- $names := concat (include "smtp-plus.relayNames" (dict "root" $root "name" $name) | fromYamlArray) (dig "tls" "names" list $given.settings) -}}
{{- $_ := set $given.settings "tls" (merge (dict "names" $names) ($given.settings.tls | default dict)) -}}
{{- with include "smtp-plus.certificateSecret" (dict "name" $name "class" $given) -}}
{{- $_ := set $given.settings.tls "secretName" . -}}
{{- end -}}
{{- $defaults := merge (dict "hostname" $host) $told -}}
{{- if eq $name "default" -}}
{{- /* whom `helm test` sends as, to nobody: its user is a sandbox */ -}}
{{- $vouched := append ($given.settings.existingSenders | default list) (dict $root.Release.Namespace "helm-test.invalid") -}}
{{- $_ := set $given.settings "existingSenders" $vouched -}}
{{- end -}}
{{- $_ := set $classes $name (mergeOverwrite $defaults $given.settings) -}}
{{- end -}}
{{- $settings := dict "classes" $classes -}}
{{- if not (hasKey .Values.classes "default") -}}
{{- $_ := set $settings "relayClass" (keys .Values.classes | sortAlpha | first) -}}
{{- end -}}
{{- with .Values.watchNamespaces -}}
{{- $_ := set $settings "watchNamespaces" . -}}
{{- end -}}
{{- if .Values.console.enabled -}}
{{- $_ := set $settings "console" .Values.console -}}
{{- end -}}
{{- mergeOverwrite $settings (deepCopy .Values.settings) | toYaml -}}
{{- end }}

{{- define "smtp-plus.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "smtp-plus.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where pods run, and how important they are. */}}
{{- define "smtp-plus.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .dnsConfig }}
dnsConfig: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
