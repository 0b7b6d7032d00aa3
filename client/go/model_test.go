// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcherev1"
)

var since = time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC)

func statusMessage() *torcherev1.ModelStatus {
	return &torcherev1.ModelStatus{Name: "m", Versions: []*torcherev1.ModelVersionStatus{
		{
			Version:    2,
			State:      torcherev1.ModelState_MODEL_STATE_AVAILABLE,
			StateSince: timestamppb.New(since),
			LoadTime:   durationpb.New(time.Second),
			Device:     "cpu",
			Backend:    "torchscript",
			Digest:     "sha256:00",
			FileBytes:  7,
			Labels:     []string{"stable"},
		},
		{
			Version: 1,
			State:   torcherev1.ModelState_MODEL_STATE_END,
			Error: &torcherev1.Error{
				Code: int32(codes.FailedPrecondition), Message: "it cannot be loaded", Reason: "MODEL_FAILED",
				Metadata: map[string]string{"model": "m"}, RetryAfter: durationpb.New(time.Minute),
			},
		},
	}}
}

var wantStatus = &torchere.ModelStatus{Name: "m", Versions: []torchere.VersionStatus{
	{
		Version:    2,
		State:      torchere.StateAvailable,
		StateSince: since,
		LoadTime:   time.Second,
		Device:     "cpu",
		Backend:    "torchscript",
		Digest:     "sha256:00",
		FileBytes:  7,
		Labels:     []string{"stable"},
	},
	{
		Version: 1,
		State:   torchere.StateEnd,
		Err: &torchere.Error{
			Code: codes.FailedPrecondition, Message: "it cannot be loaded", Reason: "MODEL_FAILED", Model: "m",
			Metadata: map[string]string{"model": "m"}, RetryAfter: time.Minute,
		},
	},
}}

func TestStatusSaysAllOfAModelsVersions(t *testing.T) {
	var asked *torcherev1.GetModelStatusRequest
	server := &fakeServer{status: func(
		request *torcherev1.GetModelStatusRequest,
	) (*torcherev1.GetModelStatusResponse, error) {
		asked = request
		return &torcherev1.GetModelStatusResponse{Model: statusMessage()}, nil
	}}
	client := server.serve(t).client(t)
	got, err := client.Status(ctx, "m")
	if err != nil || !reflect.DeepEqual(got, wantStatus) {
		t.Errorf("got %+v, %v", got, err)
	}
	if asked.GetName() != "m" || asked.GetChoice() != nil {
		t.Errorf("asked: %v", asked)
	}
	if _, err := client.Status(ctx, "m", torchere.Version(2)); err != nil || asked.GetVersion() != 2 {
		t.Errorf("asked: %v, %v", asked, err)
	}
	if _, err := client.Status(ctx, "m", torchere.Label("stable")); err != nil || asked.GetLabel() != "stable" {
		t.Errorf("asked: %v, %v", asked, err)
	}
}

func TestModelsAreAllThatThereAre(t *testing.T) {
	server := &fakeServer{models: &torcherev1.ListModelsResponse{
		Models: []*torcherev1.ModelStatus{statusMessage(), {Name: "other"}},
	}}
	got, err := server.serve(t).client(t).Models(ctx)
	if want := []*torchere.ModelStatus{wantStatus, {Name: "other"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestASignatureSaysHowAModelIsCalled(t *testing.T) {
	var asked *torcherev1.GetModelSignatureRequest
	server := &fakeServer{signature: func(
		request *torcherev1.GetModelSignatureRequest,
	) (*torcherev1.GetModelSignatureResponse, error) {
		asked = request
		return &torcherev1.GetModelSignatureResponse{
			Model: &torcherev1.ServedModel{Name: "m", Version: 2},
			Methods: []*torcherev1.MethodSignature{{
				Name: "forward",
				Inputs: []*torcherev1.ValueSignature{
					{
						Name: "x", Type: "Tensor", Dtype: torcherev1.DataType_DATA_TYPE_INT64,
						Shape: &torcherev1.TensorShape{Dims: []int64{-1}},
						Range: &torcherev1.IntRange{Least: 1, Most: 9},
					},
					{
						Name: "top", Type: "int", HasDefault: true,
						DefaultValue: &torcherev1.Value{Kind: &torcherev1.Value_Int{Int: 2}},
					},
				},
				Outputs: []*torcherev1.ValueSignature{{
					Name: "y", Type: "Tensor", Shape: &torcherev1.TensorShape{}, Labels: []string{"a", "b"},
				}},
				Batched:  true,
				RunCosts: []*torcherev1.RunCost{{Rows: 1, Time: durationpb.New(time.Millisecond)}},
			}},
		}, nil
	}}
	client := server.serve(t).client(t)
	got, err := client.Signature(ctx, "m", torchere.Version(2))
	want := &torchere.Signature{
		Model: torchere.ServedModel{Name: "m", Version: 2},
		Methods: []torchere.MethodSignature{{
			Name: "forward",
			Inputs: []torchere.ValueSignature{
				{
					Name: "x", Type: "Tensor", DType: torchere.DTypeInt64, Shape: []int64{-1},
					Range: &torchere.IntRange{Least: 1, Most: 9},
				},
				{Name: "top", Type: "int", HasDefault: true, Default: torchere.Int(2)},
			},
			Outputs: []torchere.ValueSignature{
				{Name: "y", Type: "Tensor", Shape: []int64{}, Labels: []string{"a", "b"}},
			},
			Batched:  true,
			RunCosts: []torchere.RunCost{{Rows: 1, Time: time.Millisecond}},
		}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if asked.GetName() != "m" || asked.GetVersion() != 2 {
		t.Errorf("asked: %v", asked)
	}
	if got.Method("forward") != &got.Methods[0] || got.Method("backward") != nil {
		t.Error("Method does not find what there is, or finds what there is not")
	}
	if _, err := client.Signature(ctx, "m", torchere.Label("stable")); err != nil || asked.GetLabel() != "stable" {
		t.Errorf("asked: %v, %v", asked, err)
	}
}

func TestNamesAreThoseOfTheWireWithoutPrefix(t *testing.T) {
	for got, want := range map[string]string{
		torchere.DTypeFP32.String():            "FP32",
		torchere.DTypeUnspecified.String():     "UNSPECIFIED",
		torchere.DType(99).String():            "dtype 99",
		torchere.StateAvailable.String():       "AVAILABLE",
		torchere.ModelState(99).String():       "state 99",
		torchere.Scalar(true).DType().String(): "BOOL",
	} {
		if got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}
