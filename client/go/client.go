// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"context"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/torchere/torchere/client/go/torcherev1"
)

const userAgent = "torchere-go/0.1.0"

// Calls go round all addresses of a name. UNAVAILABLE is tried again for up to about three seconds,
// and CANCELLED, which is what gRPC answers to calls that come as a server begins to end
// (github.com/grpc/grpc/issues/41785); a call that its own caller cancels is not sent again.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{
		"name": [
			{"service": "torchere.v1.PredictService", "method": "Predict"},
			{"service": "torchere.v1.ModelStatusService"}
		],
		"retryPolicy": {
			"maxAttempts": 5,
			"initialBackoff": "0.1s",
			"maxBackoff": "2s",
			"backoffMultiplier": 3,
			"retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]
		}
	}]
}`

// Client calls Torchere servers. It is safe for use by many goroutines, which share its connections.
// Make it by [New].
//
// Every method ends when its context does; a context without a deadline gets the client's (30 s, or
// [WithTimeout]). An error is an [*Error]. Besides what is said at a method, it may be
//
//	UNAVAILABLE        no connection, or the server is ending, each time it was tried
//	DEADLINE_EXCEEDED  the deadline has passed
//	CANCELLED          the context was cancelled, or the client is closed
//	INTERNAL           an answer that this client cannot read
type Client struct {
	conn    *grpc.ClientConn
	predict torcherev1.PredictServiceClient
	status  torcherev1.ModelStatusServiceClient
	timeout time.Duration
}

type settings struct {
	timeout         time.Duration
	maxMessageBytes int
	credentials     credentials.TransportCredentials
	dialOptions     []grpc.DialOption
}

// New makes a client; it connects with the first call, and again whenever the connection is lost.
//
// The target is "HOST:PORT" (or "dns:///HOST:PORT"), "unix:PATH", or another name that gRPC
// resolves. Where a name has several addresses, a Kubernetes headless service say, calls go round
// them. A call that ends with UNAVAILABLE is sent again, up to four times; see [WithoutRetries].
//
//	INVALID_ARGUMENT  a target that gRPC cannot read, or an option out of range
func New(target string, options ...Option) (*Client, error) {
	chosen := settings{
		timeout:         30 * time.Second,
		maxMessageBytes: 64 << 20,
		credentials:     insecure.NewCredentials(),
	}
	for _, option := range options {
		option(&chosen)
	}
	switch {
	case target == "":
		return nil, invalid("", "the target is empty; give \"HOST:PORT\"")
	case chosen.timeout <= 0:
		return nil, invalid("", "WithTimeout takes a time above 0, got %v", chosen.timeout)
	case chosen.maxMessageBytes <= 0:
		return nil, invalid("", "WithMaxMessageBytes takes a size above 0, got %d", chosen.maxMessageBytes)
	}
	conn, err := grpc.NewClient(target, append(chosen.ownDialOptions(), chosen.dialOptions...)...)
	if err != nil {
		return nil, invalid("", "gRPC does not take the target %q: %v", target, err)
	}
	return &Client{
		conn:    conn,
		predict: torcherev1.NewPredictServiceClient(conn),
		status:  torcherev1.NewModelStatusServiceClient(conn),
		timeout: chosen.timeout,
	}, nil
}

func (s *settings) ownDialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(s.credentials),
		grpc.WithUserAgent(userAgent),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// A server that is back is found within five seconds; gRPC's own limit is two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second,
			},
			MinConnectTimeout: 20 * time.Second,
		}),
		// One that is gone without a word, while calls wait: within 40 seconds. Servers allow a ping each
		// 10 seconds.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(s.maxMessageBytes),
			grpc.MaxCallRecvMsgSize(s.maxMessageBytes),
			// A message that is over this is not sent again: by default 256 KiB.
			grpc.MaxRetryRPCBufferSize(s.maxMessageBytes),
		),
	}
}

// Predict runs one method of one model: the newest version that is available, and forward, unless
// options say something else. A batch is the first dimension of each tensor: [rows, …].
//
//	INVALID_ARGUMENT     names, dtypes, shapes; or the model itself raised
//	NOT_FOUND            no such model, version, label or method
//	FAILED_PRECONDITION  the version exists but is not served
//	RESOURCE_EXHAUSTED   refused for load (see RetryAfter), or a message is too large
//	INTERNAL             a failure inside the model, or an output that is no Value
func (c *Client) Predict(
	ctx context.Context, model string, inputs Inputs, options ...PredictOption,
) (*Prediction, error) {
	request := &torcherev1.PredictRequest{
		Model:   &torcherev1.ModelSpec{Name: model},
		Inputs:  make([]*torcherev1.NamedValue, 0, len(inputs)),
		Options: &torcherev1.RequestOptions{},
	}
	for _, option := range options {
		option.addTo(request)
	}
	if err := checkTexts(model, textsOf(request, inputs)...); err != nil {
		return nil, err
	}
	for name, value := range inputs {
		encoded, wrong := encodeValue(value, 1)
		if wrong != nil {
			refused := invalid(wrong.reason, "model '%s': input '%s'%s: %s", model, name, wrong.path, wrong.text)
			refused.Model, refused.Metadata = model, map[string]string{"model": model, "input": name}
			return nil, refused
		}
		request.Inputs = append(request.Inputs, &torcherev1.NamedValue{Name: name, Value: encoded})
	}
	answer, err := call(ctx, c, c.predict.Predict, request)
	if err != nil {
		return nil, err
	}
	return predictionOf(answer)
}

// Status is the state of one model's versions: of all, or of the chosen one.
//
//	NOT_FOUND  no such model, version or label
func (c *Client) Status(ctx context.Context, model string, choice ...Choice) (*ModelStatus, error) {
	request := &torcherev1.GetModelStatusRequest{Name: model}
	for _, chosen := range choice {
		chosen.addToStatus(request)
	}
	if err := checkTexts(model, placedText{"label", request.GetLabel()}); err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.status.GetModelStatus, request)
	if err != nil {
		return nil, err
	}
	return modelStatusOf(answer.GetModel()), nil
}

// Models is every model with its versions, by name.
func (c *Client) Models(ctx context.Context) ([]*ModelStatus, error) {
	answer, err := call(ctx, c, c.status.ListModels, &torcherev1.ListModelsRequest{})
	if err != nil {
		return nil, err
	}
	models := make([]*ModelStatus, len(answer.GetModels()))
	for i, model := range answer.GetModels() {
		models[i] = modelStatusOf(model)
	}
	return models, nil
}

// Signature is how a version is called: the newest that is available, or the chosen one.
//
//	NOT_FOUND            no such model, version or label
//	FAILED_PRECONDITION  the version exists but is not served
func (c *Client) Signature(ctx context.Context, model string, choice ...Choice) (*Signature, error) {
	request := &torcherev1.GetModelSignatureRequest{Name: model}
	for _, chosen := range choice {
		chosen.addToSignature(request)
	}
	if err := checkTexts(model, placedText{"label", request.GetLabel()}); err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.status.GetModelSignature, request)
	if err != nil {
		return nil, err
	}
	return signatureOf(answer)
}

// Conn is the connection, for stubs: torcherev1.NewPredictServiceClient(client.Conn()).
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Close ends the connections and the calls that wait on them.
func (c *Client) Close() error {
	if failure := fromGRPC(c.conn.Close()); failure != nil {
		return failure
	}
	return nil
}

// placedText is a text of a call, and what it is there.
type placedText struct{ place, text string }

// textsOf are the texts of a call but for the model's name and those in values.
func textsOf(request *torcherev1.PredictRequest, inputs Inputs) []placedText {
	texts := []placedText{
		{"label", request.GetModel().GetLabel()},
		{"method", request.GetModel().GetMethod()},
		{"request id", request.GetOptions().GetRequestId()},
	}
	for _, name := range request.GetOutputs() {
		texts = append(texts, placedText{"name of an output", name})
	}
	for name := range inputs {
		texts = append(texts, placedText{"name of an input", name})
	}
	return texts
}

// checkTexts refuses what is not UTF-8: no message can carry it.
func checkTexts(model string, texts ...placedText) error {
	if !utf8.ValidString(model) {
		return invalid("INVALID_TEXT", "the name of the model, %q, is not UTF-8", model)
	}
	for _, text := range texts {
		if !utf8.ValidString(text.text) {
			refused := invalid("INVALID_TEXT", "model '%s': %s %q is not UTF-8", model, text.place, text.text)
			refused.Model, refused.Metadata = model, map[string]string{"model": model}
			return refused
		}
	}
	return nil
}

// call calls a stub's method, with a deadline in any case.
func call[Request, Answer any](
	ctx context.Context,
	client *Client,
	method func(context.Context, Request, ...grpc.CallOption) (Answer, error),
	request Request,
) (Answer, error) {
	if _, has := ctx.Deadline(); !has {
		limited, cancel := context.WithTimeout(ctx, client.timeout)
		defer cancel()
		ctx = limited
	}
	answer, err := method(ctx, request)
	failure := fromGRPC(err)
	if failure == nil {
		return answer, nil
	}
	if failure.Code == codes.Canceled && ctx.Err() == nil && client.conn.GetState() != connectivity.Shutdown {
		failure.Code, failure.Message = codes.Unavailable, "the server is ending"
	}
	return answer, failure
}
