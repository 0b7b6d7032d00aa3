// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	torchere "github.com/torchere/torchere/client/go"
)

const (
	patience = 30 * time.Second
	pause    = 50 * time.Millisecond
)

// step is one of a case's; it has one of the first six members.
type step struct {
	Server     string
	Parallel   []step
	Predict    *predictCall
	Status     *modelCall
	Models     *struct{}
	Signature  *modelCall
	Expect     json.RawMessage
	AgainWhile codes.Code `json:"again_while"`
}

type predictCall struct {
	Model     string
	Version   *int64
	Label     *string
	Method    *string
	Inputs    map[string]caseValue
	Outputs   []string
	TimeoutMS int64 `json:"timeout_ms"`
}

type modelCall struct {
	Model string
}

// expectedError is what is said of an error; nil members say nothing.
type expectedError struct {
	Code       codes.Code
	Reason     *string
	Model      *string
	RetryAfter *bool `json:"retry_after"`
	Message    []string
}

// runStep returns what is not as expected.
func (r *runner) runStep(step step) error {
	switch {
	case step.Server != "":
		if err := say(map[string]string{"server": step.Server}); err != nil {
			return err
		}
		_, err := r.orders.ReadString('\n')
		return err
	case step.Parallel != nil:
		return r.runParallel(step.Parallel)
	case step.Predict != nil:
		return try(step, func() ([]torchere.NamedValue, error) { return r.predict(step.Predict) }, checkOutputs)
	case step.Status != nil:
		return try(step, func() (*torchere.ModelStatus, error) {
			return r.client.Status(context.Background(), step.Status.Model)
		}, checkStates)
	case step.Models != nil:
		return try(step, func() ([]*torchere.ModelStatus, error) {
			return r.client.Models(context.Background())
		}, checkNames)
	case step.Signature != nil:
		return try(step, func() (*torchere.Signature, error) {
			return r.client.Signature(context.Background(), step.Signature.Model)
		}, checkSignature)
	}
	return errors.New("a step of a kind that this runner does not know")
}

func (r *runner) runParallel(steps []step) error {
	results := make(chan error)
	for _, step := range steps {
		go func() { results <- r.runStep(step) }()
	}
	var wrong []error
	for range steps {
		wrong = append(wrong, <-results)
	}
	return errors.Join(wrong...)
}

// try makes the call, again while it fails as the step allows, and looks at how it ended.
func try[Answer any](step step, call func() (Answer, error), check func(Answer, json.RawMessage) error) error {
	var expected struct{ Error *expectedError }
	if err := json.Unmarshal(step.Expect, &expected); err != nil {
		return err
	}
	end := time.Now().Add(patience)
	for {
		answer, err := call()
		var refused *torchere.Error
		switch {
		case err == nil && expected.Error != nil:
			return fmt.Errorf("expected %s, got the answer %s", step.Expect, brief(answer))
		case err == nil:
			return check(answer, step.Expect)
		case !errors.As(err, &refused):
			return fmt.Errorf("expected %s, got an error of another type: %w", brief(step.Expect), err)
		case refused.Code == step.AgainWhile && time.Now().Before(end):
			time.Sleep(pause)
		case expected.Error == nil:
			return fmt.Errorf("expected %s, got %w", brief(step.Expect), err)
		default:
			return expected.Error.check(refused)
		}
	}
}

func (e *expectedError) check(refused *torchere.Error) error {
	right := refused.Code == e.Code &&
		(e.Reason == nil || *e.Reason == refused.Reason) &&
		(e.Model == nil || *e.Model == refused.Model) &&
		(e.RetryAfter == nil || *e.RetryAfter == (refused.RetryAfter > 0))
	for _, part := range e.Message {
		right = right && strings.Contains(refused.Message, part)
	}
	if !right {
		expected, _ := json.Marshal(e)
		return fmt.Errorf("expected %s, got %w, of model %q, retry after %v", expected, refused, refused.Model,
			refused.RetryAfter)
	}
	return nil
}

// predict gives the outputs as they come.
func (r *runner) predict(call *predictCall) ([]torchere.NamedValue, error) {
	ctx := context.Background()
	if call.TimeoutMS > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(call.TimeoutMS)*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	inputs, err := valuesOf(call.Inputs)
	if err != nil {
		return nil, err
	}
	options := []torchere.PredictOption{torchere.Outputs(call.Outputs...)}
	if call.Version != nil {
		options = append(options, torchere.Version(*call.Version))
	}
	if call.Label != nil {
		options = append(options, torchere.Label(*call.Label))
	}
	if call.Method != nil {
		options = append(options, torchere.Method(*call.Method))
	}
	answer, err := r.client.Predict(ctx, call.Model, inputs, options...)
	if err != nil {
		return nil, err
	}
	return answer.Outputs, nil
}

func valuesOf(cases map[string]caseValue) (map[string]torchere.Value, error) {
	values := map[string]torchere.Value{}
	for name, content := range cases {
		var err error
		if values[name], err = content.value(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return values, nil
}

func checkOutputs(outputs []torchere.NamedValue, expect json.RawMessage) error {
	var expected struct {
		Outputs map[string]caseValue
		Order   []string
	}
	if err := json.Unmarshal(expect, &expected); err != nil {
		return err
	}
	wanted, err := valuesOf(expected.Outputs)
	if err != nil {
		return err
	}
	got := map[string]torchere.Value{}
	var order []string
	for _, output := range outputs {
		got[output.Name] = output.Value
		order = append(order, output.Name)
	}
	right := len(outputs) == len(wanted)
	for name, value := range wanted {
		output, is := got[name]
		right = right && is && same(output, value)
	}
	if !right {
		return fmt.Errorf("expected %s, got %s", brief(wanted), brief(got))
	}
	if expected.Order != nil && !slices.Equal(order, expected.Order) {
		return fmt.Errorf("expected the order %v, got %v", expected.Order, order)
	}
	return nil
}

func checkStates(status *torchere.ModelStatus, expect json.RawMessage) error {
	var expected struct{ States map[string]string }
	if err := json.Unmarshal(expect, &expected); err != nil {
		return err
	}
	states := map[string]string{}
	for _, version := range status.Versions {
		states[strconv.FormatInt(version.Version, 10)] = version.State.String()
	}
	if fmt.Sprint(states) != fmt.Sprint(expected.States) {
		return fmt.Errorf("expected %v, got %v", expected.States, states)
	}
	return nil
}

func checkNames(models []*torchere.ModelStatus, expect json.RawMessage) error {
	var expected struct{ Names []string }
	if err := json.Unmarshal(expect, &expected); err != nil {
		return err
	}
	var names []string
	for _, model := range models {
		names = append(names, model.Name)
	}
	if !slices.Equal(names, expected.Names) {
		return fmt.Errorf("expected %v, got %v", expected.Names, names)
	}
	return nil
}

// declared is what is said of an input or output.
type declared struct {
	DType string
	Shape []int64
}

func checkSignature(signature *torchere.Signature, expect json.RawMessage) error {
	var expected struct{ Inputs, Outputs map[string]declared }
	if err := json.Unmarshal(expect, &expected); err != nil {
		return err
	}
	found := expected
	forward := signature.Method("forward")
	found.Inputs, found.Outputs = declaredOf(forward.Inputs), declaredOf(forward.Outputs)
	if fmt.Sprint(found) != fmt.Sprint(expected) {
		return fmt.Errorf("expected %v, got %v", expected, found)
	}
	return nil
}

func declaredOf(values []torchere.ValueSignature) map[string]declared {
	by := map[string]declared{}
	for _, value := range values {
		by[value.Name] = declared{value.DType.String(), value.Shape}
	}
	return by
}

// brief is a value in a text that is not too long.
func brief(value any) string {
	text := fmt.Sprintf("%v", value)
	if raw, is := value.(json.RawMessage); is {
		text = string(raw)
	}
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return text
}
