// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"fmt"
	"strings"
	"time"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// ServedModel is what really ran, or what was described.
type ServedModel struct {
	Name string
	// Version is the one that answered.
	Version int64
	// Label is the one by which it was asked; empty if by none.
	Label string
	// Method is the one that ran; empty in a [Signature].
	Method string
	// Digest is the SHA-256 of the model's file: "sha256:" and 64 hexadecimal digits.
	Digest string
}

// ModelState is where a version is in its life.
type ModelState int32

// The states that there are.
const (
	// StateUnspecified is a state that the server does not say.
	StateUnspecified = ModelState(torcherev1.ModelState_MODEL_STATE_UNSPECIFIED)
	// StateStart: known, not yet loading.
	StateStart = ModelState(torcherev1.ModelState_MODEL_STATE_START)
	// StateLoading: being read, prepared and warmed up.
	StateLoading = ModelState(torcherev1.ModelState_MODEL_STATE_LOADING)
	// StateAvailable: answers requests.
	StateAvailable = ModelState(torcherev1.ModelState_MODEL_STATE_AVAILABLE)
	// StateUnloading: takes no new requests; ends when those it has are answered.
	StateUnloading = ModelState(torcherev1.ModelState_MODEL_STATE_UNLOADING)
	// StateEnd: not served, because it was unloaded or failed.
	StateEnd = ModelState(torcherev1.ModelState_MODEL_STATE_END)
)

// String is the state's name: "AVAILABLE", ….
func (s ModelState) String() string {
	if name, known := torcherev1.ModelState_name[int32(s)]; known {
		return strings.TrimPrefix(name, "MODEL_STATE_")
	}
	return fmt.Sprintf("state %d", int32(s))
}

// ModelStatus is a model with its versions, newest first.
type ModelStatus struct {
	Name     string
	Versions []VersionStatus
}

// VersionStatus is one version of a model.
type VersionStatus struct {
	// Version is a positive number.
	Version int64
	State   ModelState
	// Err is why the version is at its end, or, while it is available, takes no requests for the
	// time being (MODEL_HANGS); nil where nothing is wrong.
	Err *Error
	// StateSince is when the state was entered, by the server's clock; zero where it is not said.
	StateSince time.Time
	// LoadTime is how long the load took; 0 before it was done.
	LoadTime time.Duration
	// Device is where it runs: "cpu", "cuda:0".
	Device string
	// Backend is what runs it: "torchscript".
	Backend string
	// Digest is the SHA-256 of the model's file: "sha256:" and 64 hexadecimal digits.
	Digest string
	// FileBytes is the size of the model's file.
	FileBytes int64
	// Labels are those that name this version now.
	Labels []string
}

// Signature is how one version of a model is called.
type Signature struct {
	// Model is the version; its Method is empty.
	Model ServedModel
	// Methods are forward first, the others by name.
	Methods []MethodSignature
}

// Method is the method of that name; nil where there is none.
func (s *Signature) Method(name string) *MethodSignature {
	for i := range s.Methods {
		if s.Methods[i].Name == name {
			return &s.Methods[i]
		}
	}
	return nil
}

// MethodSignature is how one method is called.
type MethodSignature struct {
	// Name is what [Method] takes.
	Name string
	// Inputs are the arguments, in their order.
	Inputs []ValueSignature
	// Outputs are in their order. Where the names are known only once the method has run (a Dict's
	// keys, a List's length), there is one whose name is "*".
	Outputs []ValueSignature
	// Batched says whether requests for it run together, by their rows.
	Batched bool
	// RunCosts is how long one run takes by its rows, ascending; empty while it has not run.
	RunCosts []RunCost
}

// RunCost is how long a run of so many rows takes.
type RunCost struct {
	Rows int64
	Time time.Duration
}

// ValueSignature is an argument or an output.
type ValueSignature struct {
	Name string
	// Type is TorchScript's: "Tensor", "Dict[str, Tensor]", "Optional[int]".
	Type string
	// DType is that of a tensor's items; DTypeUnspecified where none is declared.
	DType DType
	// Shape is a tensor's, -1 where any length will do; nil where none is declared, empty and not nil
	// for a scalar.
	Shape []int64
	// HasDefault says that the argument may be left out.
	HasDefault bool
	// Default is what is taken where it is left out; nil where there is no default, or one that is
	// no Value.
	Default Value
	// Labels are the names of the classes, where the last dimension counts classes.
	Labels []string
	// Range is what the integers of an argument must lie in; nil where nothing is declared.
	Range *IntRange
}

// IntRange is the integers from one to another, both included.
type IntRange struct {
	Least, Most int64
}

func servedModelOf(message *torcherev1.ServedModel) ServedModel {
	return ServedModel{
		Name:    message.GetName(),
		Version: message.GetVersion(),
		Label:   message.GetLabel(),
		Method:  message.GetMethod(),
		Digest:  message.GetDigest(),
	}
}

func modelStatusOf(message *torcherev1.ModelStatus) *ModelStatus {
	status := &ModelStatus{Name: message.GetName()}
	for _, version := range message.GetVersions() {
		status.Versions = append(status.Versions, versionStatusOf(version))
	}
	return status
}

func versionStatusOf(message *torcherev1.ModelVersionStatus) VersionStatus {
	status := VersionStatus{
		Version:   message.GetVersion(),
		State:     ModelState(message.GetState()),
		Err:       fromMessage(message.GetError()),
		LoadTime:  message.GetLoadTime().AsDuration(),
		Device:    message.GetDevice(),
		Backend:   message.GetBackend(),
		Digest:    message.GetDigest(),
		FileBytes: message.GetFileBytes(),
		Labels:    message.GetLabels(),
	}
	if since := message.GetStateSince(); since != nil {
		status.StateSince = since.AsTime()
	}
	return status
}

func signatureOf(message *torcherev1.GetModelSignatureResponse) (*Signature, error) {
	signature := &Signature{Model: servedModelOf(message.GetModel())}
	for _, method := range message.GetMethods() {
		inputs, err := valueSignaturesOf(method.GetInputs())
		if err != nil {
			return nil, err
		}
		outputs, err := valueSignaturesOf(method.GetOutputs())
		if err != nil {
			return nil, err
		}
		var costs []RunCost
		for _, cost := range method.GetRunCosts() {
			costs = append(costs, RunCost{Rows: cost.GetRows(), Time: cost.GetTime().AsDuration()})
		}
		signature.Methods = append(signature.Methods, MethodSignature{
			Name:     method.GetName(),
			Inputs:   inputs,
			Outputs:  outputs,
			Batched:  method.GetBatched(),
			RunCosts: costs,
		})
	}
	return signature, nil
}

func valueSignaturesOf(messages []*torcherev1.ValueSignature) ([]ValueSignature, error) {
	var signatures []ValueSignature
	for _, message := range messages {
		signature := ValueSignature{
			Name:       message.GetName(),
			Type:       message.GetType(),
			DType:      DType(message.GetDtype()),
			HasDefault: message.GetHasDefault(),
			Labels:     message.GetLabels(),
		}
		if shape := message.GetShape(); shape != nil {
			signature.Shape = append([]int64{}, shape.GetDims()...)
		}
		if bounds := message.GetRange(); bounds != nil {
			signature.Range = &IntRange{Least: bounds.GetLeast(), Most: bounds.GetMost()}
		}
		if value := message.GetDefaultValue(); value != nil {
			var wrong *valueError
			if signature.Default, wrong = decodeValue(value); wrong != nil {
				return nil, unreadable(fmt.Sprintf("default of '%s'", message.GetName()), wrong)
			}
		}
		signatures = append(signatures, signature)
	}
	return signatures, nil
}
