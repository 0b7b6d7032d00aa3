{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* 53 characters, so that "-test" fits behind it in a label. */}}
{{- define "torchere.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* 53 characters, which a release's name may have, so that long ones stay apart; what is put behind it has at
most 10. A release's name may have dots, a service's may not. */}}
{{- define "torchere.fullname" -}}
{{- $name := include "torchere.name" . -}}
{{- $release := .Release.Name | replace "." "-" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else if contains $name $release -}}
{{- $release | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" $release $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The release's name is among them: two releases must not select each other's pods. */}}
{{- define "torchere.selectorLabels" -}}
app.kubernetes.io/name: {{ include "torchere.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of an object: the later ones win, and nothing wins over those that are selected by. */}}
{{- define "torchere.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $selector := include "torchere.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite $own (default dict .Values.commonLabels) $selector | toYaml -}}
{{- end -}}

{{- define "torchere.podLabels" -}}
{{- $own := dict "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $selector := include "torchere.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite $own (default dict .Values.commonLabels) (default dict .Values.podLabels) $selector | toYaml -}}
{{- end -}}

{{- define "torchere.podAnnotations" -}}
{{- $own := dict "kubectl.kubernetes.io/default-container" "server" -}}
{{- if eq .Values.models.source "demo" -}}
{{- $_ := set $own "checksum/demo-models" (include (print $.Template.BasePath "/demo-models.yaml") . | sha256sum) -}}
{{- end -}}
{{- mergeOverwrite $own (default dict .Values.podAnnotations) | toYaml -}}
{{- end -}}

{{/* What the server's pods and the test's have in common: who they are and where they may run. */}}
{{- define "torchere.pod" -}}
automountServiceAccountToken: false
# The variables that a service NAME makes (NAME_PORT=tcp://…) are not for these programs.
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . | quote }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "torchere.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuses what each value alone does not show to be wrong. */}}
{{- define "torchere.check" -}}
{{- $name := include "torchere.fullname" . -}}
{{- if not (regexMatch "^[a-z]" $name) -}}
{{- fail (printf "a service cannot be named %s, for it begins with a digit: set fullnameOverride" $name) -}}
{{- end -}}
{{- with .Values.rollingUpdate -}}
{{- if and (has (toString .maxSurge) (list "0" "0%")) (has (toString .maxUnavailable) (list "0" "0%")) -}}
{{- fail "rollingUpdate: maxSurge and maxUnavailable are both 0, so no upgrade could begin: set one to 1" -}}
{{- end -}}
{{- end -}}
{{- with .Values.models -}}
{{- if eq .source "demo" -}}
{{- if .pvc.claimName -}}
{{- fail "models.pvc.claimName is set, but models.source is demo: set models.source=pvc" -}}
{{- else if .image.reference -}}
{{- fail "models.image.reference is set, but models.source is demo: set models.source=image" -}}
{{- else if .volume -}}
{{- fail "models.volume is set, but models.source is demo: set models.source=volume" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The volume "models". */}}
{{- define "torchere.modelsVolume" -}}
name: models
{{- with .Values.models }}
{{- if eq .source "pvc" }}
persistentVolumeClaim:
  claimName: {{ required "models.source is pvc: models.pvc.claimName must name a claim" .pvc.claimName | quote }}
  readOnly: true
{{- else if eq .source "image" }}
image:
  reference: {{ required "models.source is image: models.image.reference must name an image" .image.reference | quote }}
  pullPolicy: {{ .image.pullPolicy }}
{{- else if eq .source "volume" }}
{{- $volume := omit (default dict .volume) "name" }}
{{- if not $volume }}
{{- fail "models.source is volume: models.volume must say which, as {emptyDir: {}}" }}
{{- end }}
{{ toYaml $volume }}
{{- else }}
configMap:
  name: {{ include "torchere.fullname" $ }}-demo
  items:
    - {key: model.pt, path: digits/1/model.pt}
    - {key: model.yaml, path: digits/model.yaml}
    - {key: digit_1095_is_4.npy, path: digits/samples/digit_1095_is_4.npy}
{{- end }}
{{- end }}
{{- end -}}

{{- define "torchere.modelsSubPath" -}}
{{- if eq .Values.models.source "pvc" -}}
{{- .Values.models.pvc.subPath -}}
{{- else if eq .Values.models.source "image" -}}
{{- .Values.models.image.subPath -}}
{{- end -}}
{{- end -}}

{{/* Seconds in which a rollout must get on: a pod may load for as long as its startup probe lets it, be ready for
minReadySeconds, and 300 are for its node and image. Below minReadySeconds it would be refused. */}}
{{- define "torchere.progressDeadlineSeconds" -}}
{{- $try := max 5 (int .Values.probes.startup.periodSeconds) -}}
{{- add (mul $try (int .Values.probes.startup.failureThreshold)) (int .Values.minReadySeconds) 300 -}}
{{- end -}}
