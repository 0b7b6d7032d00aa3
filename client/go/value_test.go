// SPDX-License-Identifier: Apache-2.0

package torchere_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	torchere "github.com/torchere/torchere/client/go"
)

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
		{(*torchere.Tensor[float32])(nil), "INVALID_VALUE", "model 'echo': input 'x': nil is no value"},
		{torchere.List{(*torchere.Text)(nil)}, "INVALID_VALUE", "input 'x'[0]: nil is no value"},
		{torchere.Map{{(*torchere.Int)(nil), torchere.Int(1)}}, "INVALID_VALUE", "entry 0 has no key"},
		{deep, "LIMIT_EXCEEDED", "nested more than 16 deep"},
		{torchere.NewTensor([]float32{1, 2}, 3), "LENGTH_MISMATCH", "FP32 of shape [3] with 2 items"},
		{torchere.NewTensor([]float32{1, 2}), "LENGTH_MISMATCH", "FP32 of shape [] with 2 items"},
		{torchere.NewTensor([]bool{}, -1), "LENGTH_MISMATCH", "BOOL of shape [-1] with 0 items"},
	} {
		_, err := client.Predict(ctx, "echo", torchere.Inputs{"x": test.value})
		refused := refusal(t, err)
		if refused.Code != codes.InvalidArgument || refused.Reason != test.reason || refused.Model != "echo" ||
			!strings.Contains(refused.Message, test.text) || !utf8.ValidString(refused.Message) {
			t.Errorf("expected %s %q, got %v", test.reason, test.text, err)
		}
	}
	if server.count() != 0 {
		t.Errorf("%d requests were sent", server.count())
	}
}

func TestTextsThatNoMessageCanCarryAreRefusedByTheirPlace(t *testing.T) {
	server := new(fakeServer).serve(t)
	client := server.client(t)
	const wrong = "a\xc3"
	predict := func(model string, inputs torchere.Inputs, options ...torchere.PredictOption) error {
		_, err := client.Predict(ctx, model, inputs, options...)
		return err
	}
	status := func(model string, choice ...torchere.Choice) error {
		_, err := client.Status(ctx, model, choice...)
		return err
	}
	signature := func(model string, choice ...torchere.Choice) error {
		_, err := client.Signature(ctx, model, choice...)
		return err
	}
	for _, test := range []struct {
		err   error
		place string
	}{
		{predict(wrong, nil), "the name of the model,"},
		{status(wrong), "the name of the model,"},
		{signature(wrong), "the name of the model,"},
		{predict("m", nil, torchere.Method(wrong)), "model 'm': method"},
		{predict("m", nil, torchere.Label(wrong)), "model 'm': label"},
		{status("m", torchere.Label(wrong)), "model 'm': label"},
		{signature("m", torchere.Label(wrong)), "model 'm': label"},
		{predict("m", nil, torchere.RequestID(wrong)), "model 'm': request id"},
		{predict("m", nil, torchere.Outputs("y", wrong)), "model 'm': name of an output"},
		{predict("m", torchere.Inputs{wrong: torchere.Int(1)}), "model 'm': name of an input"},
	} {
		refused := refusal(t, test.err)
		if refused.Code != codes.InvalidArgument || refused.Reason != "INVALID_TEXT" ||
			!strings.HasPrefix(refused.Message, test.place+` "a\xc3"`) {
			t.Errorf("expected INVALID_TEXT of %s, got %v", test.place, test.err)
		}
	}
	if server.count() != 0 {
		t.Errorf("%d requests were sent", server.count())
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
