// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcherev1"
)

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
