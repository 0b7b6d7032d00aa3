// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// A scalar or a tensor is 1 deep, a list of them 2, and so on: the server's limit.
const maxDepth = 16

// Value is what a model takes or returns: a [Tensor], [Text], [Int], [Float], [Bool], [Null],
// [List] or [Map].
type Value interface {
	// encode writes the value, at that depth, into an empty message.
	encode(into *torcherev1.Value, depth int) *valueError
}

// Key is what a [Map] is looked up by: [Text] or [Int].
type Key interface {
	Value
	encodeKey(into *torcherev1.ValueMap_Entry) *valueError
}

// Text is a TorchScript str: UTF-8 of at most 1 MiB.
type Text string

// Int is a TorchScript int.
type Int int64

// Float is a TorchScript float; NaN and infinities are legal.
type Float float64

// Bool is a TorchScript bool.
type Bool bool

// Null is TorchScript's None.
type Null struct{}

// List is a TorchScript List or Tuple.
type List []Value

// Map is a TorchScript Dict, in its order, or a NamedTuple, whose keys are its fields' names.
type Map []Entry

// Entry is a key of a [Map] with its value. All keys of a map are of one kind, each there once.
type Entry struct {
	Key   Key
	Value Value
}

// Get is the value under the key; nil where there is none.
func (v Map) Get(key Key) Value {
	for _, entry := range v {
		if entry.Key == key {
			return entry.Value
		}
	}
	return nil
}

func (v Text) encode(into *torcherev1.Value, _ int) *valueError {
	into.Kind = &torcherev1.Value_Text{Text: string(v)}
	return checkText(string(v))
}

func (v Int) encode(into *torcherev1.Value, _ int) *valueError {
	into.Kind = &torcherev1.Value_Int{Int: int64(v)}
	return nil
}

func (v Float) encode(into *torcherev1.Value, _ int) *valueError {
	into.Kind = &torcherev1.Value_Float{Float: float64(v)}
	return nil
}

func (v Bool) encode(into *torcherev1.Value, _ int) *valueError {
	into.Kind = &torcherev1.Value_Bool{Bool: bool(v)}
	return nil
}

func (v Null) encode(into *torcherev1.Value, _ int) *valueError {
	into.Kind = &torcherev1.Value_Null{Null: &torcherev1.NullValue{}}
	return nil
}

func (v List) encode(into *torcherev1.Value, depth int) *valueError {
	list := &torcherev1.ValueList{Values: make([]*torcherev1.Value, len(v))}
	for i, item := range v {
		var wrong *valueError
		if list.Values[i], wrong = encodeValue(item, depth+1); wrong != nil {
			return wrong.in(i)
		}
	}
	into.Kind = &torcherev1.Value_List{List: list}
	return nil
}

func (v Map) encode(into *torcherev1.Value, depth int) *valueError {
	message := &torcherev1.ValueMap{Entries: make([]*torcherev1.ValueMap_Entry, len(v))}
	for i, entry := range v {
		if isNil(entry.Key) {
			return &valueError{reason: "INVALID_VALUE", text: fmt.Sprintf("entry %d has no key", i)}
		}
		encoded := &torcherev1.ValueMap_Entry{}
		wrong := entry.Key.encodeKey(encoded)
		if wrong == nil {
			encoded.Value, wrong = encodeValue(entry.Value, depth+1)
		}
		if wrong != nil {
			return wrong.in(entry.Key)
		}
		message.Entries[i] = encoded
	}
	into.Kind = &torcherev1.Value_Map{Map: message}
	return nil
}

func (v Text) encodeKey(into *torcherev1.ValueMap_Entry) *valueError {
	into.Key = &torcherev1.ValueMap_Entry_Text{Text: string(v)}
	return checkText(string(v))
}

func (v Int) encodeKey(into *torcherev1.ValueMap_Entry) *valueError {
	into.Key = &torcherev1.ValueMap_Entry_Int{Int: int64(v)}
	return nil
}

func encodeValue(value Value, depth int) (*torcherev1.Value, *valueError) {
	if isNil(value) {
		return nil, &valueError{reason: "INVALID_VALUE", text: "nil is no value; None is torchere.Null{}"}
	}
	if depth > maxDepth {
		return nil, &valueError{reason: "LIMIT_EXCEEDED", text: fmt.Sprintf("nested more than %d deep", maxDepth)}
	}
	message := &torcherev1.Value{}
	return message, value.encode(message, depth)
}

// isNil says whether there is no value: neither one nor, behind a pointer, a nil *Tensor say.
func isNil(value Value) bool {
	if value == nil {
		return true
	}
	pointer := reflect.ValueOf(value)
	return pointer.Kind() == reflect.Pointer && pointer.IsNil()
}

func checkText(text string) *valueError {
	if !utf8.ValidString(text) {
		return &valueError{reason: "INVALID_TEXT", text: fmt.Sprintf("%q is not UTF-8", text)}
	}
	return nil
}

func decodeValue(message *torcherev1.Value) (Value, *valueError) {
	switch kind := message.GetKind().(type) {
	case *torcherev1.Value_Tensor:
		tensor := kind.Tensor
		return tensorOf(DType(tensor.GetDtype()), tensor.GetShape(), tensor.GetData())
	case *torcherev1.Value_Text:
		return Text(kind.Text), nil
	case *torcherev1.Value_Int:
		return Int(kind.Int), nil
	case *torcherev1.Value_Float:
		return Float(kind.Float), nil
	case *torcherev1.Value_Bool:
		return Bool(kind.Bool), nil
	case *torcherev1.Value_Null:
		return Null{}, nil
	case *torcherev1.Value_List:
		return decodeList(kind.List)
	case *torcherev1.Value_Map:
		return decodeMap(kind.Map)
	}
	return nil, &valueError{reason: "UNSUPPORTED_OUTPUT", text: "a kind of value that is not known here"}
}

func decodeList(message *torcherev1.ValueList) (Value, *valueError) {
	list := make(List, len(message.GetValues()))
	for i, item := range message.GetValues() {
		var wrong *valueError
		if list[i], wrong = decodeValue(item); wrong != nil {
			return nil, wrong.in(i)
		}
	}
	return list, nil
}

func decodeMap(message *torcherev1.ValueMap) (Value, *valueError) {
	entries := make(Map, len(message.GetEntries()))
	for i, entry := range message.GetEntries() {
		switch key := entry.GetKey().(type) {
		case *torcherev1.ValueMap_Entry_Text:
			entries[i].Key = Text(key.Text)
		case *torcherev1.ValueMap_Entry_Int:
			entries[i].Key = Int(key.Int)
		default:
			return nil, &valueError{reason: "UNSUPPORTED_OUTPUT", text: "a kind of key that is not known here"}
		}
		var wrong *valueError
		if entries[i].Value, wrong = decodeValue(entry.GetValue()); wrong != nil {
			return nil, wrong.in(entries[i].Key)
		}
	}
	return entries, nil
}

// valueError is what is wrong with a part of a value.
type valueError struct {
	path   string // from the value to the part: "", "[3]['a']"
	reason string
	text   string
}

// in tells of the value that has the wrong one under the key.
func (e *valueError) in(key any) *valueError {
	step := fmt.Sprintf("[%v]", key)
	if text, is := key.(Text); is {
		step = fmt.Sprintf("['%s']", strings.ToValidUTF8(string(text), "\uFFFD"))
	}
	e.path = step + e.path
	return e
}
