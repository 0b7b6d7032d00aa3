// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// Option says more of a client that [New] makes.
type Option func(*settings)

// WithTimeout is how long a call may take whose context has no deadline; 30 s without it.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithMaxMessageBytes is the size of the largest message that is sent or taken; 64 MiB without it,
// which is what a server takes by default.
func WithMaxMessageBytes(bytes int) Option {
	return func(s *settings) { s.maxMessageBytes = bytes }
}

// WithCredentials is how the connection is secured: credentials.NewTLS(nil), say. Without it, it is
// not.
func WithCredentials(credentials credentials.TransportCredentials) Option {
	return func(s *settings) { s.credentials = credentials }
}

// WithoutRetries lets a call be sent once only. It is for models that are stateful: UNAVAILABLE
// does not say whether the model has run.
func WithoutRetries() Option {
	return WithDialOptions(grpc.WithDisableRetry())
}

// WithDialOptions is for whatever else gRPC offers; it wins over what the client would set.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dialOptions = append(s.dialOptions, options...) }
}

// PredictOption says more of a Predict call.
type PredictOption interface {
	addTo(request *torcherev1.PredictRequest)
}

// Choice names a version of a model, to Predict, Status and Signature. Of two the later counts.
type Choice struct {
	version int64
	label   *string // nil where the version counts
}

// Version chooses this very version.
func Version(version int64) Choice { return Choice{version: version} }

// Label chooses the version that carries the label now.
func Label(label string) Choice { return Choice{label: &label} }

func (c Choice) addTo(request *torcherev1.PredictRequest) {
	if c.label != nil {
		request.Model.Choice = &torcherev1.ModelSpec_Label{Label: *c.label}
	} else {
		request.Model.Choice = &torcherev1.ModelSpec_Version{Version: c.version}
	}
}

func (c Choice) addToStatus(request *torcherev1.GetModelStatusRequest) {
	if c.label != nil {
		request.Choice = &torcherev1.GetModelStatusRequest_Label{Label: *c.label}
	} else {
		request.Choice = &torcherev1.GetModelStatusRequest_Version{Version: c.version}
	}
}

func (c Choice) addToSignature(request *torcherev1.GetModelSignatureRequest) {
	if c.label != nil {
		request.Choice = &torcherev1.GetModelSignatureRequest_Label{Label: *c.label}
	} else {
		request.Choice = &torcherev1.GetModelSignatureRequest_Version{Version: c.version}
	}
}

type predictOption func(*torcherev1.PredictRequest)

func (o predictOption) addTo(request *torcherev1.PredictRequest) { o(request) }

// Method runs that method of the module instead of forward.
func Method(name string) PredictOption {
	return predictOption(func(r *torcherev1.PredictRequest) { r.Model.Method = name })
}

// Outputs wants only these outputs, in this order, instead of all.
func Outputs(names ...string) PredictOption {
	return predictOption(func(r *torcherev1.PredictRequest) { r.Outputs = names })
}

// RequestID is the caller's own name for the request, at most 256 bytes; it comes back with the
// answer.
func RequestID(id string) PredictOption {
	return predictOption(func(r *torcherev1.PredictRequest) { r.Options.RequestId = id })
}

// Priority says which of the requests that wait for the same method goes first: the higher. 0 is
// normal.
func Priority(priority int32) PredictOption {
	return predictOption(func(r *torcherev1.PredictRequest) { r.Options.Priority = priority })
}
