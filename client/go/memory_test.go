// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"bytes"
	"slices"
	"testing"
	"unsafe"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// whereBigEndian runs the test as on a machine of that order.
func whereBigEndian(t *testing.T, big bool) {
	actual := bigEndian
	bigEndian = big
	t.Cleanup(func() { bigEndian = actual })
}

func TestWhatIsSentIsTheCallersOwnMemory(t *testing.T) {
	whereBigEndian(t, false)
	items := []float32{1, 2, 3}
	message, wrong := encodeValue(NewTensor(items, 3), 1)
	if wrong != nil {
		t.Fatal(wrong.text)
	}
	data := message.GetTensor().GetData()
	if len(data) != 12 || unsafe.Pointer(&data[0]) != unsafe.Pointer(&items[0]) {
		t.Error("the items were copied")
	}
}

func TestWhatComesIsCopiedOnlyWhereItIsNotAligned(t *testing.T) {
	whereBigEndian(t, false)
	backing := make([]int64, 3)
	memory := memoryOf(backing)
	for offset := range 8 {
		data := memory[offset : offset+16]
		copy(data, []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0})
		tensor, err := TensorFromBytes(DTypeInt64, []int64{2}, data)
		if err != nil {
			t.Fatal(err)
		}
		items := tensor.(Tensor[int64]).Data
		if !slices.Equal(items, []int64{1, 258}) {
			t.Fatalf("offset %d: %v", offset, items)
		}
		if shared := unsafe.Pointer(&items[0]) == unsafe.Pointer(&data[0]); shared != (offset == 0) {
			t.Errorf("offset %d: shared %v", offset, shared)
		}
	}
}

func TestAMachineOfTheOtherOrderTurnsTheBytes(t *testing.T) {
	items := []int32{1, 0x01020304}
	little := memoryOf(items)
	if bigEndian {
		little = reversedItems(little, 4)
	}
	turned := reversedItems(little, 4)
	whereBigEndian(t, !bigEndian)
	if sent := NewTensor(items, 2).Bytes(); !bytes.Equal(sent, reversedItems(memoryOf(items), 4)) {
		t.Errorf("sent: %v", sent)
	}
	tensor, err := TensorFromBytes(DTypeInt32, []int64{2}, turned)
	if err != nil {
		t.Fatal(err)
	}
	if got := tensor.(Tensor[int32]).Data; !slices.Equal(got, items) {
		t.Errorf("received: %v", got)
	}
}

func TestAnAnswerThatCannotBeReadIsSaidToBe(t *testing.T) {
	tensor := func(dtype torcherev1.DataType, data []byte, shape ...int64) *torcherev1.Value {
		return &torcherev1.Value{Kind: &torcherev1.Value_Tensor{
			Tensor: &torcherev1.Tensor{Dtype: dtype, Shape: shape, Data: data},
		}}
	}
	entry := &torcherev1.ValueMap_Entry{Value: &torcherev1.Value{}}
	for _, test := range []struct {
		name, reason string
		value        *torcherev1.Value
	}{
		{"no value", "UNSUPPORTED_OUTPUT", nil},
		{"no kind", "UNSUPPORTED_OUTPUT", &torcherev1.Value{}},
		{"no key", "UNSUPPORTED_OUTPUT", &torcherev1.Value{Kind: &torcherev1.Value_Map{
			Map: &torcherev1.ValueMap{Entries: []*torcherev1.ValueMap_Entry{entry}},
		}}},
		{"item without kind", "UNSUPPORTED_OUTPUT", &torcherev1.Value{Kind: &torcherev1.Value_List{
			List: &torcherev1.ValueList{Values: []*torcherev1.Value{{}}},
		}}},
		{"unknown dtype", "UNKNOWN_DTYPE", tensor(99, nil)},
		{"no dtype", "UNKNOWN_DTYPE", tensor(0, nil)},
		{"too short", "LENGTH_MISMATCH", tensor(torcherev1.DataType_DATA_TYPE_FP32, make([]byte, 7), 2)},
		{"negative length", "LENGTH_MISMATCH", tensor(torcherev1.DataType_DATA_TYPE_FP32, nil, -1, 0)},
		{"too many items", "LENGTH_MISMATCH", tensor(torcherev1.DataType_DATA_TYPE_FP32, nil, 1<<62, 4)},
		{"too many bytes", "LENGTH_MISMATCH", tensor(torcherev1.DataType_DATA_TYPE_FP64, nil, 1<<61)},
		{"BOOL of 2", "INVALID_VALUE", tensor(torcherev1.DataType_DATA_TYPE_BOOL, []byte{2}, 1)},
	} {
		answer := &torcherev1.PredictResponse{Outputs: []*torcherev1.NamedValue{{Name: "y", Value: test.value}}}
		_, err := predictionOf(answer)
		refused, is := err.(*Error)
		if !is || refused.Reason != test.reason {
			t.Errorf("%s: %v, expected %s", test.name, err, test.reason)
		}
	}
}
