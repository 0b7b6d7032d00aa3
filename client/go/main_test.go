// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/torchere/torchere/client/go/torcheretest"
	"github.com/torchere/torchere/client/go/torcherev1"
)

// target is the server that the examples call: the real one with the sample models and those of
// tests/data where TORCHERE_SERVER names its program, else one in this process that knows the wine
// of the examples.
var target string

// isReal says which of the two it is.
var isReal = os.Getenv("TORCHERE_SERVER") != ""

func TestMain(m *testing.M) {
	stop, err := startTarget()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func startTarget() (stop func() error, err error) {
	if !isReal {
		fake := exampleServer()
		stop, err := fake.start()
		target = fake.address
		return func() error { stop(); return nil }, err
	}
	root := filepath.Join("..", "..")
	flags := []string{"--models=" + filepath.Join(root, "models")}
	for _, name := range []string{"types", "failing"} {
		flags = append(flags, fmt.Sprintf("--model=%s=%s", name, filepath.Join(root, "tests", "data", name+".pt")))
	}
	server, err := torcheretest.Start(os.Getenv("TORCHERE_SERVER"), flags...)
	if err != nil {
		return nil, err
	}
	target = server.Target
	return server.Stop, nil
}

// exampleServer answers the examples as the real one does.
func exampleServer() *fakeServer {
	return &fakeServer{
		predict: func(
			_ context.Context, request *torcherev1.PredictRequest,
		) (*torcherev1.PredictResponse, error) {
			model := request.GetModel()
			if model.GetName() != "wine" {
				return nil, notFound(model.GetName())
			}
			outputs := []*torcherev1.NamedValue{
				named("label", torcherev1.DataType_DATA_TYPE_INT64, make([]byte, 8), 1),
				named("probabilities", torcherev1.DataType_DATA_TYPE_FP32,
					[]byte{0xa4, 0x70, 0x7d, 0x3f, 0, 0, 0, 0, 0x0a, 0xd7, 0x23, 0x3c}, 1, 3),
			}
			if model.GetMethod() == "logits" {
				outputs = []*torcherev1.NamedValue{
					named("logits", torcherev1.DataType_DATA_TYPE_FP32, make([]byte, 24), 2, 3),
				}
			}
			return &torcherev1.PredictResponse{
				Model:   &torcherev1.ServedModel{Name: "wine", Version: 1, Method: model.GetMethod()},
				Outputs: outputs,
			}, nil
		},
		status: func(*torcherev1.GetModelStatusRequest) (*torcherev1.GetModelStatusResponse, error) {
			return &torcherev1.GetModelStatusResponse{Model: &torcherev1.ModelStatus{
				Name: "wine",
				Versions: []*torcherev1.ModelVersionStatus{{
					Version: 1,
					State:   torcherev1.ModelState_MODEL_STATE_AVAILABLE,
					Device:  "cpu",
				}},
			}}, nil
		},
		signature: func(*torcherev1.GetModelSignatureRequest) (*torcherev1.GetModelSignatureResponse, error) {
			return &torcherev1.GetModelSignatureResponse{Methods: []*torcherev1.MethodSignature{{
				Name: "forward",
				Inputs: []*torcherev1.ValueSignature{
					declared("features", torcherev1.DataType_DATA_TYPE_FP32, nil, -1, 13),
				},
				Outputs: []*torcherev1.ValueSignature{
					declared("label", torcherev1.DataType_DATA_TYPE_INT64, nil, -1),
					declared("probabilities", torcherev1.DataType_DATA_TYPE_FP32,
						[]string{"Barolo", "Grignolino", "Barbera"}, -1, 3),
				},
			}}}, nil
		},
	}
}

func notFound(model string) error {
	answer, err := status.New(codes.NotFound, "there is no such model").WithDetails(&errdetails.ErrorInfo{
		Reason: "MODEL_NOT_FOUND", Domain: "torchere", Metadata: map[string]string{"model": model},
	})
	if err != nil {
		return err
	}
	return answer.Err()
}

func named(name string, dtype torcherev1.DataType, data []byte, shape ...int64) *torcherev1.NamedValue {
	tensor := &torcherev1.Tensor{Dtype: dtype, Shape: shape, Data: data}
	return &torcherev1.NamedValue{
		Name:  name,
		Value: &torcherev1.Value{Kind: &torcherev1.Value_Tensor{Tensor: tensor}},
	}
}

func declared(name string, dtype torcherev1.DataType, labels []string, shape ...int64) *torcherev1.ValueSignature {
	return &torcherev1.ValueSignature{
		Name: name, Type: "Tensor", Dtype: dtype, Labels: labels, Shape: &torcherev1.TensorShape{Dims: shape},
	}
}
