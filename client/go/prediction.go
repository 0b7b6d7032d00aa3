// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// Inputs are a method's arguments by name. Those that have a default may be left out.
type Inputs map[string]Value

// Prediction is what a model answered.
type Prediction struct {
	// Model is what really ran.
	Model ServedModel
	// Outputs are in the model's order, or in that of [Outputs]; [Output] takes one out.
	Outputs []NamedValue
	// Timing is where the time went.
	Timing Timing
	// RequestID is the caller's own name for the request; empty if none.
	RequestID string
}

// NamedValue is an output. Names are a NamedTuple's fields, a Dict's keys, "output_0", … of a plain
// tuple, or "output" for a lone value; a model's config may rename them.
type NamedValue struct {
	Name  string
	Value Value
}

// Timing is where a request's time went, inside the server.
type Timing struct {
	// Queue is from the message's arrival to its start on a worker.
	Queue time.Duration
	// Compute is the time in the model.
	Compute time.Duration
	// Total is from the message's arrival to its answer.
	Total time.Duration
	// BatchRows is the rows in the batch that the request ran in; 0 where it ran unbatched.
	BatchRows int64
}

// Output is the output of that name, of that kind:
//
//	scores, err := torchere.Output[torchere.Tensor[float32]](answer, "probabilities")
//
// Errors:
//
//	NOT_FOUND         there is none; the text lists those there are
//	INVALID_ARGUMENT  it is of another kind: nothing is converted
func Output[V Value](prediction *Prediction, name string) (V, error) {
	var names []string
	for _, output := range prediction.Outputs {
		if output.Name != name {
			names = append(names, output.Name)
			continue
		}
		value, is := output.Value.(V)
		if !is {
			return value, invalid("TYPE_MISMATCH", "output '%s' is a %T, not a %v", name, output.Value,
				reflect.TypeFor[V]())
		}
		return value, nil
	}
	var none V
	return none, &Error{
		Code:    codes.NotFound,
		Message: fmt.Sprintf("there is no output '%s'; there are: %s", name, strings.Join(names, ", ")),
	}
}

func predictionOf(message *torcherev1.PredictResponse) (*Prediction, error) {
	timing := message.GetTiming()
	prediction := &Prediction{
		Model:   servedModelOf(message.GetModel()),
		Outputs: make([]NamedValue, len(message.GetOutputs())),
		Timing: Timing{
			Queue:     timing.GetQueue().AsDuration(),
			Compute:   timing.GetCompute().AsDuration(),
			Total:     timing.GetTotal().AsDuration(),
			BatchRows: timing.GetBatchRows(),
		},
		RequestID: message.GetRequestId(),
	}
	for i, output := range message.GetOutputs() {
		value, wrong := decodeValue(output.GetValue())
		if wrong != nil {
			return nil, unreadable(fmt.Sprintf("output '%s'", output.GetName()), wrong)
		}
		prediction.Outputs[i] = NamedValue{Name: output.GetName(), Value: value}
	}
	return prediction, nil
}
