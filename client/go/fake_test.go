// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"

	torchere "github.com/torchere/torchere/client/go"
	"github.com/torchere/torchere/client/go/torcherev1"
)

// fakeServer is a server in this process. It echoes the inputs of Predict, until told otherwise.
type fakeServer struct {
	torcherev1.UnimplementedPredictServiceServer
	torcherev1.UnimplementedModelStatusServiceServer

	address   string
	predict   func(context.Context, *torcherev1.PredictRequest) (*torcherev1.PredictResponse, error)
	status    func(*torcherev1.GetModelStatusRequest) (*torcherev1.GetModelStatusResponse, error)
	models    *torcherev1.ListModelsResponse
	signature func(*torcherev1.GetModelSignatureRequest) (*torcherev1.GetModelSignatureResponse, error)

	mutex    sync.Mutex
	requests []*torcherev1.PredictRequest
	contexts []context.Context
}

// start serves on a free port until stop is called.
func (f *fakeServer) start() (stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.address = listener.Addr().String()
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	torcherev1.RegisterPredictServiceServer(server, f)
	torcherev1.RegisterModelStatusServiceServer(server, f)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return func() {
		server.Stop()
		<-done
	}, nil
}

// serve starts the server for the length of a test.
func (f *fakeServer) serve(t testing.TB) *fakeServer {
	t.Helper()
	stop, err := f.start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return f
}

// client makes a client of the server for the length of a test.
func (f *fakeServer) client(t testing.TB, options ...torchere.Option) *torchere.Client {
	t.Helper()
	return newClient(t, f.address, options...)
}

func newClient(t testing.TB, target string, options ...torchere.Option) *torchere.Client {
	t.Helper()
	client, err := torchere.New(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// request is the last one.
func (f *fakeServer) request() *torcherev1.PredictRequest {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.requests[len(f.requests)-1]
}

// context is that of the last request.
func (f *fakeServer) context() context.Context {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.contexts[len(f.contexts)-1]
}

func (f *fakeServer) count() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return len(f.requests)
}

func (f *fakeServer) Predict(
	ctx context.Context, request *torcherev1.PredictRequest,
) (*torcherev1.PredictResponse, error) {
	f.mutex.Lock()
	f.requests = append(f.requests, request)
	f.contexts = append(f.contexts, ctx)
	f.mutex.Unlock()
	if f.predict != nil {
		return f.predict(ctx, request)
	}
	return &torcherev1.PredictResponse{Outputs: request.GetInputs()}, nil
}

func (f *fakeServer) GetModelStatus(
	_ context.Context, request *torcherev1.GetModelStatusRequest,
) (*torcherev1.GetModelStatusResponse, error) {
	return f.status(request)
}

func (f *fakeServer) ListModels(
	context.Context, *torcherev1.ListModelsRequest,
) (*torcherev1.ListModelsResponse, error) {
	return f.models, nil
}

func (f *fakeServer) GetModelSignature(
	_ context.Context, request *torcherev1.GetModelSignatureRequest,
) (*torcherev1.GetModelSignatureResponse, error) {
	return f.signature(request)
}
