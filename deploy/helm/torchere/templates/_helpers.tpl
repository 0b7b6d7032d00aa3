{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "torchere.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 51 characters, so that "-demo-models" fits behind it. */}}
{{- define "torchere.fullname" -}}
{{- $name := include "torchere.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 51 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 51 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 51 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The release's name is among them: two releases must not select each other's pods. */}}
{{- define "torchere.selectorLabels" -}}
app.kubernetes.io/name: {{ include "torchere.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "torchere.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "torchere.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
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

{{/* The volume "models". */}}
{{- define "torchere.modelsVolume" -}}
name: models
{{- with .Values.models }}
{{- if eq .source "pvc" }}
persistentVolumeClaim:
  claimName: {{ required "models.source is pvc: models.pvc.claimName must name a claim" .pvc.claimName }}
  readOnly: true
{{- else if eq .source "image" }}
image:
  reference: {{ required "models.source is image: models.image.reference must name an image" .image.reference }}
  pullPolicy: {{ .image.pullPolicy }}
{{- else if eq .source "volume" }}
{{- if not .volume }}
{{- fail "models.source is volume: models.volume must say which, as {emptyDir: {}}" }}
{{- end }}
{{ toYaml .volume }}
{{- else }}
configMap:
  name: {{ include "torchere.fullname" $ }}-demo-models
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
