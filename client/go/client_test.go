// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcherev1"
)

var ctx = context.Background()

// predict calls the client for a model that echoes.
func predict(t *testing.T, client *torchere.Client, value torchere.Value) torchere.Value {
	t.Helper()
	answer, err := client.Predict(ctx, "echo", torchere.Inputs{"x": value})
	if err != nil {
		t.Fatal(err)
	}
	output, err := torchere.Output[torchere.Value](answer, "x")
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// refusal is the Error that err must be.
func refusal(t *testing.T, err error) *torchere.Error {
	t.Helper()
	var refused *torchere.Error
	if !errors.As(err, &refused) {
		t.Fatalf("expected a torchere.Error, got %v", err)
	}
	return refused
}

func TestOptionsOfPredictReachTheServer(t *testing.T) {
	server := new(fakeServer).serve(t)
	client := server.client(t)
	_, err := client.Predict(ctx, "digits", nil, torchere.Version(3), torchere.Method("embed"),
		torchere.Outputs("b", "a"), torchere.RequestID("mine"), torchere.Priority(-2))
	if err != nil {
		t.Fatal(err)
	}
	got := server.request()
	if model := got.GetModel(); model.GetName() != "digits" || model.GetVersion() != 3 || model.GetMethod() != "embed" {
		t.Errorf("model: %v", model)
	}
	if !reflect.DeepEqual(got.GetOutputs(), []string{"b", "a"}) {
		t.Errorf("outputs: %v", got.GetOutputs())
	}
	if got.GetOptions().GetRequestId() != "mine" || got.GetOptions().GetPriority() != -2 {
		t.Errorf("options: %v", got.GetOptions())
	}
	if _, err := client.Predict(ctx, "digits", nil, torchere.Label("stable")); err != nil {
		t.Fatal(err)
	}
	if model := server.request().GetModel(); model.GetLabel() != "stable" || model.GetMethod() != "" {
		t.Errorf("model: %v", model)
	}
}

func TestAPredictionSaysWhatRanAndForHowLong(t *testing.T) {
	server := &fakeServer{predict: func(
		context.Context, *torcherev1.PredictRequest,
	) (*torcherev1.PredictResponse, error) {
		return &torcherev1.PredictResponse{
			Model: &torcherev1.ServedModel{
				Name: "m", Version: 2, Label: "l", Method: "forward", Digest: "sha256:00",
			},
			Timing: &torcherev1.Timing{
				Queue:     durationpb.New(1 * time.Microsecond),
				Compute:   durationpb.New(2 * time.Microsecond),
				Total:     durationpb.New(4 * time.Microsecond),
				BatchRows: 8,
			},
			RequestId: "mine",
		}, nil
	}}
	answer, err := server.serve(t).client(t).Predict(ctx, "m", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &torchere.Prediction{
		Model:   torchere.ServedModel{Name: "m", Version: 2, Label: "l", Method: "forward", Digest: "sha256:00"},
		Outputs: []torchere.NamedValue{},
		Timing: torchere.Timing{
			Queue: 1 * time.Microsecond, Compute: 2 * time.Microsecond, Total: 4 * time.Microsecond, BatchRows: 8,
		},
		RequestID: "mine",
	}
	if !reflect.DeepEqual(answer, want) {
		t.Errorf("got %+v, expected %+v", answer, want)
	}
}

func TestACallWithoutDeadlineGetsTheClients(t *testing.T) {
	server := new(fakeServer).serve(t)
	client := server.client(t, torchere.WithTimeout(time.Hour))
	predict(t, client, torchere.Null{})
	deadline, has := server.context().Deadline()
	if left := time.Until(deadline); !has || left > time.Hour || left < 50*time.Minute {
		t.Errorf("deadline %v, %v left", has, left)
	}
	longer, cancel := context.WithTimeout(ctx, 3*time.Hour)
	defer cancel()
	if _, err := client.Predict(longer, "echo", nil); err != nil {
		t.Fatal(err)
	}
	deadline, _ = server.context().Deadline()
	if left := time.Until(deadline); left < 2*time.Hour {
		t.Errorf("the caller's deadline of 3 h became %v", left)
	}
}

// waits answers no request before its context ends.
func waits(ctx context.Context, _ *torcherev1.PredictRequest) (*torcherev1.PredictResponse, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func TestACallEndsWithItsContext(t *testing.T) {
	client := (&fakeServer{predict: waits}).serve(t).client(t, torchere.WithTimeout(time.Millisecond))
	_, err := client.Predict(ctx, "m", nil)
	if !errors.Is(err, context.DeadlineExceeded) || refusal(t, err).Code != codes.DeadlineExceeded {
		t.Errorf("after the deadline: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = client.Predict(cancelled, "m", nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after cancel: %v", err)
	}
}

func TestCallsThatAreLateLeaveTheOthersAlone(t *testing.T) {
	server := &fakeServer{predict: func(
		ctx context.Context, request *torcherev1.PredictRequest,
	) (*torcherev1.PredictResponse, error) {
		if request.GetModel().GetName() == "slow" {
			return waits(ctx, request)
		}
		return &torcherev1.PredictResponse{}, nil
	}}
	client := server.serve(t).client(t)
	results := make(chan error)
	for i := range 64 {
		go func() {
			if i%2 == 0 {
				_, err := client.Predict(ctx, "quick", nil)
				results <- err
				return
			}
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			if _, err := client.Predict(short, "slow", nil); !errors.Is(err, context.DeadlineExceeded) {
				results <- fmt.Errorf("a late call: %w", err)
				return
			}
			_, err := client.Predict(ctx, "quick", nil)
			results <- err
		}()
	}
	for range 64 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// full is what a server answers that is.
func full(context.Context, *torcherev1.PredictRequest) (*torcherev1.PredictResponse, error) {
	answer, err := status.New(codes.ResourceExhausted, "model 'm': the queue is full").WithDetails(
		&errdetails.ErrorInfo{
			Reason: "QUEUE_FULL", Domain: "torchere", Metadata: map[string]string{"model": "m", "limit": "8"},
		},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(20 * time.Millisecond)})
	if err != nil {
		return nil, err
	}
	return nil, answer.Err()
}

func TestAnErrorHasWhatTheServerSays(t *testing.T) {
	server := &fakeServer{predict: full}
	_, err := server.serve(t).client(t).Predict(ctx, "m", nil)
	refused := refusal(t, err)
	want := &torchere.Error{
		Code:       codes.ResourceExhausted,
		Message:    "model 'm': the queue is full",
		Reason:     "QUEUE_FULL",
		Model:      "m",
		Metadata:   map[string]string{"model": "m", "limit": "8"},
		RetryAfter: 20 * time.Millisecond,
	}
	if !reflect.DeepEqual(refused, want) {
		t.Errorf("got %+v, expected %+v", refused, want)
	}
	if text := err.Error(); text != "torchere: RESOURCE_EXHAUSTED (QUEUE_FULL): model 'm': the queue is full" {
		t.Error(text)
	}
	answer, is := status.FromError(err)
	if !is || answer.Code() != codes.ResourceExhausted || len(answer.Details()) != 2 {
		t.Errorf("as gRPC's status: %v with %v", answer, answer.Details())
	}
	if server.count() != 1 {
		t.Errorf("sent %d times", server.count())
	}
}

func TestMessagesOverTheLimitAreRefused(t *testing.T) {
	server := new(fakeServer).serve(t)
	client := server.client(t, torchere.WithMaxMessageBytes(1000))
	predict(t, client, torchere.NewTensor(make([]uint8, 900), 900))
	_, err := client.Predict(ctx, "echo", torchere.Inputs{"x": torchere.NewTensor(make([]uint8, 1000), 1000)})
	if refused := refusal(t, err); refused.Code != codes.ResourceExhausted || server.count() != 1 {
		t.Errorf("sent: %v", err)
	}
	server.predict = func(context.Context, *torcherev1.PredictRequest) (*torcherev1.PredictResponse, error) {
		return &torcherev1.PredictResponse{RequestId: strings.Repeat("r", 1000)}, nil
	}
	_, err = client.Predict(ctx, "echo", nil)
	if refused := refusal(t, err); refused.Code != codes.ResourceExhausted {
		t.Errorf("received: %v", err)
	}
}

func TestTheServerIsToldWhoCalls(t *testing.T) {
	server := new(fakeServer).serve(t)
	predict(t, server.client(t), torchere.Null{})
	sent, _ := metadata.FromIncomingContext(server.context())
	if agent := sent.Get("user-agent"); len(agent) != 1 || !strings.HasPrefix(agent[0], "torchere-go/") {
		t.Errorf("user-agent: %v", agent)
	}
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	for name, err := range map[string]error{
		"empty target":     newError(""),
		"target":           newError("dns:///\x7f"),
		"timeout":          newError("127.0.0.1:1", torchere.WithTimeout(0)),
		"size of messages": newError("127.0.0.1:1", torchere.WithMaxMessageBytes(0)),
	} {
		if refusal(t, err).Code != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func newError(target string, options ...torchere.Option) error {
	_, err := torchere.New(target, options...)
	return err
}

func TestAClosedClientRefusesCalls(t *testing.T) {
	client := new(fakeServer).serve(t).client(t)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := client.Models(ctx)
	if refusal(t, err).Code != codes.Canceled {
		t.Error(err)
	}
}

func TestTheStubSharesTheConnection(t *testing.T) {
	client := new(fakeServer).serve(t).client(t)
	stub := torcherev1.NewPredictServiceClient(client.Conn())
	if _, err := stub.Predict(ctx, &torcherev1.PredictRequest{}); err != nil {
		t.Error(err)
	}
}
