// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/torchere/torchere/client/go"
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

func TestEveryKindOfValueComesBackAsItWasSent(t *testing.T) {
	client := new(fakeServer).serve(t).client(t)
	for _, value := range []torchere.Value{
		torchere.Text(""), torchere.Text("grüß\x00 dich"),
		torchere.Int(math.MinInt64), torchere.Int(math.MaxInt64),
		torchere.Float(0.1), torchere.Float(math.Inf(-1)),
		torchere.Bool(true), torchere.Bool(false),
		torchere.Null{},
		torchere.List{}, torchere.List{torchere.Int(1), torchere.List{torchere.Text("a"), torchere.Null{}}},
		torchere.Map{},
		torchere.Map{{torchere.Text("b"), torchere.Int(1)}, {torchere.Text("a"), torchere.Bool(true)}},
		torchere.Map{{torchere.Int(-1), torchere.NewTensor([]float32{1, 2}, 2)}},
	} {
		if got := predict(t, client, value); !reflect.DeepEqual(got, value) {
			t.Errorf("sent %#v, got %#v", value, got)
		}
	}
	if got := float64(predict(t, client, torchere.Float(math.NaN())).(torchere.Float)); !math.IsNaN(got) {
		t.Errorf("sent NaN, got %v", got)
	}
	zero := float64(predict(t, client, torchere.Float(math.Copysign(0, -1))).(torchere.Float))
	if zero != 0 || !math.Signbit(zero) {
		t.Errorf("sent -0, got %v", zero)
	}
}

func TestEveryDTypeComesBackAsItWasSent(t *testing.T) {
	client := new(fakeServer).serve(t).client(t)
	for _, tensor := range []torchere.AnyTensor{
		torchere.NewTensor([]bool{true, false}, 2),
		torchere.NewTensor([]uint8{0, 255}, 2),
		torchere.NewTensor([]int8{-128, 127}, 2, 1),
		torchere.NewTensor([]int16{math.MinInt16, math.MaxInt16}, 1, 2),
		torchere.NewTensor([]int32{math.MinInt32, math.MaxInt32}, 2),
		torchere.NewTensor([]int64{math.MinInt64, math.MaxInt64}, 2),
		torchere.NewTensor([]torchere.FP16{0x7c00, 0x7e01}, 2),
		torchere.NewTensor([]torchere.BF16{0x7f80, 0x7fc1}, 2),
		torchere.NewTensor([]float32{float32(math.Inf(1)), -0.5}, 2),
		torchere.NewTensor([]float64{math.MaxFloat64, math.SmallestNonzeroFloat64}, 2),
		torchere.Scalar(float32(7)),
		torchere.NewTensor([]float32(nil), 3, 0, 5),
	} {
		got := predict(t, client, tensor).(torchere.AnyTensor)
		if got.DType() != tensor.DType() || string(got.Bytes()) != string(tensor.Bytes()) ||
			len(got.Dims())+len(tensor.Dims()) > 0 && !reflect.DeepEqual(got.Dims(), tensor.Dims()) {
			t.Errorf("sent %v, got %v", tensor, got)
		}
		same, err := torchere.TensorFromBytes(tensor.DType(), tensor.Dims(), tensor.Bytes())
		if err != nil || reflect.TypeOf(same) != reflect.TypeOf(tensor) {
			t.Errorf("%v from its bytes is a %T: %v", tensor, same, err)
		}
	}
}

func TestWhatCannotBeSentIsRefusedByItsPlace(t *testing.T) {
	server := new(fakeServer).serve(t)
	client := server.client(t)
	deep := torchere.Value(torchere.Int(1))
	for range 16 {
		deep = torchere.List{deep}
	}
	for _, test := range []struct {
		value        torchere.Value
		reason, text string
	}{
		{nil, "INVALID_VALUE", "model 'echo': input 'x': nil is no value"},
		{torchere.List{torchere.Int(1), nil}, "INVALID_VALUE", "input 'x'[1]: nil"},
		{torchere.Map{{torchere.Text("a"), torchere.List{nil}}}, "INVALID_VALUE", "input 'x'['a'][0]: nil"},
		{torchere.Map{{torchere.Int(7), nil}}, "INVALID_VALUE", "input 'x'[7]: nil"},
		{torchere.Map{{nil, torchere.Int(1)}}, "INVALID_VALUE", "entry 0 has no key"},
		{torchere.Text("\xc3"), "INVALID_TEXT", "is not UTF-8"},
		{torchere.Map{{torchere.Text("\xc3"), torchere.Int(1)}}, "INVALID_TEXT", "is not UTF-8"},
		{deep, "LIMIT_EXCEEDED", "nested more than 16 deep"},
		{torchere.NewTensor([]float32{1, 2}, 3), "LENGTH_MISMATCH", "FP32 of shape [3] with 2 items"},
		{torchere.NewTensor([]float32{1, 2}), "LENGTH_MISMATCH", "FP32 of shape [] with 2 items"},
		{torchere.NewTensor([]bool{}, -1), "LENGTH_MISMATCH", "BOOL of shape [-1] with 0 items"},
	} {
		_, err := client.Predict(ctx, "echo", torchere.Inputs{"x": test.value})
		refused := refusal(t, err)
		if refused.Code != codes.InvalidArgument || refused.Reason != test.reason ||
			!strings.Contains(refused.Message, test.text) {
			t.Errorf("expected %s %q, got %v", test.reason, test.text, err)
		}
	}
	if server.count() != 0 {
		t.Errorf("%d requests were sent", server.count())
	}
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

func TestAnOutputIsTakenByNameAndKind(t *testing.T) {
	client := new(fakeServer).serve(t).client(t)
	answer, err := client.Predict(ctx, "echo", torchere.Inputs{"x": torchere.Scalar(float32(1))})
	if err != nil {
		t.Fatal(err)
	}
	if x, err := torchere.Output[torchere.Tensor[float32]](answer, "x"); err != nil || x.Data[0] != 1 {
		t.Errorf("%v %v", x, err)
	}
	_, err = torchere.Output[torchere.Tensor[float64]](answer, "x")
	if refused := refusal(t, err); refused.Code != codes.InvalidArgument ||
		!strings.Contains(refused.Message, "Tensor[float32], not a torchere.Tensor[float64]") {
		t.Error(err)
	}
	text, err := client.Predict(ctx, "echo", torchere.Inputs{"x": torchere.Text("a")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = torchere.Output[torchere.AnyTensor](text, "x")
	if refused := refusal(t, err); !strings.Contains(refused.Message, "is a torchere.Text, not a torchere.AnyTensor") {
		t.Error(err)
	}
	_, err = torchere.Output[torchere.Text](answer, "y")
	if refused := refusal(t, err); refused.Code != codes.NotFound || !strings.HasSuffix(refused.Message, "there are: x") {
		t.Error(err)
	}
}

func TestAMapIsLookedUpByItsKeys(t *testing.T) {
	named := torchere.Map{{torchere.Text("a"), torchere.Int(1)}, {torchere.Text("b"), torchere.Int(2)}}
	if got := named.Get(torchere.Text("b")); got != torchere.Int(2) {
		t.Errorf("b: %v", got)
	}
	if got := named.Get(torchere.Int(1)); got != nil {
		t.Errorf("1: %v", got)
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

// failsFor answers so many requests with that code, to be tried again at once.
func failsFor(count int, code codes.Code) func(
	context.Context, *torcherev1.PredictRequest,
) (*torcherev1.PredictResponse, error) {
	tries := make(chan struct{}, count)
	return func(ctx context.Context, request *torcherev1.PredictRequest) (*torcherev1.PredictResponse, error) {
		select {
		case tries <- struct{}{}:
			if err := grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "0")); err != nil {
				return nil, err
			}
			return nil, status.Error(code, "there was a "+code.String())
		default:
			return &torcherev1.PredictResponse{Outputs: request.GetInputs()}, nil
		}
	}
}

func TestUnavailableIsTriedAgainWhateverTheSize(t *testing.T) {
	for _, size := range []int64{1, 4 << 20} {
		server := (&fakeServer{predict: failsFor(1, codes.Unavailable)}).serve(t)
		predict(t, server.client(t), torchere.NewTensor(make([]uint8, size), size))
		if server.count() != 2 {
			t.Errorf("%d bytes: sent %d times", size, server.count())
		}
	}
}

func TestUnavailableIsGivenUpInTheServersWords(t *testing.T) {
	server := (&fakeServer{predict: failsFor(1000, codes.Unavailable)}).serve(t)
	_, err := server.client(t).Predict(ctx, "m", nil)
	if refused := refusal(t, err); refused.Code != codes.Unavailable || refused.Message != "there was a Unavailable" {
		t.Error(err)
	}
	if server.count() != 5 {
		t.Errorf("sent %d times", server.count())
	}
}

func TestWithoutRetriesACallIsSentOnce(t *testing.T) {
	server := (&fakeServer{predict: failsFor(1, codes.Unavailable)}).serve(t)
	_, err := server.client(t, torchere.WithoutRetries()).Predict(ctx, "m", nil)
	if refusal(t, err).Code != codes.Unavailable || server.count() != 1 {
		t.Errorf("sent %d times, %v", server.count(), err)
	}
}

func TestACallThatAnEndingServerCancelsIsTriedAgainAndNotSaidToBeCancelled(t *testing.T) {
	server := (&fakeServer{predict: failsFor(1, codes.Canceled)}).serve(t)
	predict(t, server.client(t), torchere.Null{})
	if server.count() != 2 {
		t.Errorf("sent %d times", server.count())
	}
	server = (&fakeServer{predict: failsFor(1, codes.Canceled)}).serve(t)
	_, err := server.client(t, torchere.WithoutRetries()).Predict(ctx, "m", nil)
	if refusal(t, err).Code != codes.Unavailable || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNoOtherCodeIsTriedAgain(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		if code == codes.Canceled || code == codes.Unavailable {
			continue
		}
		server := (&fakeServer{predict: failsFor(1, code)}).serve(t)
		_, err := server.client(t).Predict(ctx, "m", nil)
		if refusal(t, err).Code != code || server.count() != 1 {
			t.Errorf("%v: sent %d times, %v", code, server.count(), err)
		}
	}
}

func TestCallsGoRoundTheServersOfANameAndMissThoseThatEnd(t *testing.T) {
	first, second := new(fakeServer), new(fakeServer).serve(t)
	stop, err := first.start()
	if err != nil {
		t.Fatal(err)
	}
	name := manual.NewBuilderWithScheme("test")
	name.InitialState(resolver.State{Addresses: []resolver.Address{{Addr: first.address}, {Addr: second.address}}})
	client := newClient(t, "test:///servers", torchere.WithDialOptions(grpc.WithResolvers(name)))
	for first.count() < 10 || second.count() < 10 {
		predict(t, client, torchere.Null{})
	}
	stop()
	for range 20 {
		predict(t, client, torchere.Null{})
	}
}

func TestANameOfDNSIsATarget(t *testing.T) {
	server := new(fakeServer).serve(t)
	predict(t, newClient(t, "dns:///"+server.address), torchere.Null{})
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
