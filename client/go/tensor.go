// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// Element is what a tensor's items can be.
type Element interface {
	bool | uint8 | int8 | int16 | int32 | int64 | FP16 | BF16 | float32 | float64
}

// Tensor is a dense array: a [Value].
//
// One that is sent must have as many items as its shape says, else Predict returns
// INVALID_ARGUMENT; one that is returned has.
type Tensor[T Element] struct {
	// Shape is the length of each dimension, outermost first. Empty means a scalar, one item.
	// A length may be 0.
	Shape []int64
	// Data has the items in row-major order. They are read while Predict runs, and no longer.
	// Those of an answer are the caller's.
	Data []T
}

// NewTensor makes a tensor of items, which it does not copy:
//
//	torchere.NewTensor(pixels, 1, 1, 8, 8)
func NewTensor[T Element](data []T, shape ...int64) Tensor[T] {
	return Tensor[T]{Shape: shape, Data: data}
}

// Scalar makes a tensor of rank 0.
func Scalar[T Element](item T) Tensor[T] {
	return Tensor[T]{Data: []T{item}}
}

// AnyTensor is a Tensor of whatever item type, for programs that do not know it beforehand: what
// Output[AnyTensor] and [TensorFromBytes] return.
type AnyTensor interface {
	Value
	// DType is the type of the items.
	DType() DType
	// Dims is the tensor's Shape.
	Dims() []int64
	// Bytes has the items in row-major order, little-endian, without padding. It is a view of Data
	// where the machine is little-endian, else a copy.
	Bytes() []byte
}

// DType is the type of the items.
func (t Tensor[T]) DType() DType { return dtypeOf[T]() }

// Dims is the Shape.
func (t Tensor[T]) Dims() []int64 { return t.Shape }

// Bytes has the items in row-major order, little-endian, without padding. It is a view of Data where
// the machine is little-endian, else a copy.
func (t Tensor[T]) Bytes() []byte {
	view := memoryOf(t.Data)
	if bigEndian {
		return reversedItems(view, itemBytes[T]())
	}
	return view
}

// TensorFromBytes makes a Tensor[T] whose T has that dtype, of items in row-major order,
// little-endian, without padding. It does not copy them where the machine is little-endian and they
// are aligned.
//
//	INVALID_ARGUMENT  an unknown dtype; more or fewer bytes than the shape says; a BOOL that is
//	                  neither 0 nor 1
func TensorFromBytes(dtype DType, shape []int64, data []byte) (AnyTensor, error) {
	tensor, wrong := tensorOf(dtype, shape, data)
	if wrong != nil {
		return nil, invalid(wrong.reason, "%s", wrong.text)
	}
	return tensor, nil
}

func tensorOf(dtype DType, shape []int64, data []byte) (AnyTensor, *valueError) {
	switch dtype {
	case DTypeBool:
		if slices.ContainsFunc(data, func(item byte) bool { return item > 1 }) {
			return nil, &valueError{reason: "INVALID_VALUE", text: "BOOL with an item that is neither 0 nor 1"}
		}
		return typedTensor[bool](shape, data)
	case DTypeUint8:
		return typedTensor[uint8](shape, data)
	case DTypeInt8:
		return typedTensor[int8](shape, data)
	case DTypeInt16:
		return typedTensor[int16](shape, data)
	case DTypeInt32:
		return typedTensor[int32](shape, data)
	case DTypeInt64:
		return typedTensor[int64](shape, data)
	case DTypeFP16:
		return typedTensor[FP16](shape, data)
	case DTypeBF16:
		return typedTensor[BF16](shape, data)
	case DTypeFP32:
		return typedTensor[float32](shape, data)
	case DTypeFP64:
		return typedTensor[float64](shape, data)
	}
	return nil, &valueError{reason: "UNKNOWN_DTYPE", text: fmt.Sprintf("%v is not known here", dtype)}
}

func typedTensor[T Element](shape []int64, data []byte) (AnyTensor, *valueError) {
	count, size := itemCount(shape), itemBytes[T]()
	if count < 0 || count > math.MaxInt/size || count*size != len(data) {
		text := fmt.Sprintf("%v of shape %v in %d bytes", dtypeOf[T](), shape, len(data))
		return nil, &valueError{reason: "LENGTH_MISMATCH", text: text}
	}
	return Tensor[T]{Shape: shape, Data: itemsOf[T](data)}, nil
}

func (t Tensor[T]) encode(into *torcherev1.Value, _ int) *valueError {
	if count := itemCount(t.Shape); count != len(t.Data) {
		text := fmt.Sprintf("%v of shape %v with %d items", t.DType(), t.Shape, len(t.Data))
		return &valueError{reason: "LENGTH_MISMATCH", text: text}
	}
	into.Kind = &torcherev1.Value_Tensor{Tensor: &torcherev1.Tensor{
		Dtype: torcherev1.DataType(t.DType()),
		Shape: t.Shape,
		Data:  t.Bytes(),
	}}
	return nil
}

// itemCount is the product of the shape; -1 where a length is negative or an int does not hold it.
func itemCount(shape []int64) int {
	if slices.ContainsFunc(shape, func(length int64) bool { return length < 0 }) {
		return -1
	}
	if slices.Contains(shape, 0) {
		return 0
	}
	count := int64(1)
	for _, length := range shape {
		if count > math.MaxInt/length {
			return -1
		}
		count *= length
	}
	return int(count)
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

func itemBytes[T Element]() int {
	var item T
	return int(unsafe.Sizeof(item))
}

// memoryOf is the memory that the items lie in.
func memoryOf[T Element](items []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(items))), len(items)*itemBytes[T]())
}

// itemsOf is memoryOf's inverse for little-endian data; a copy only where it has to be.
func itemsOf[T Element](data []byte) []T {
	var item T
	start := unsafe.Pointer(unsafe.SliceData(data))
	count := len(data) / itemBytes[T]()
	if !bigEndian && uintptr(start)%unsafe.Alignof(item) == 0 {
		return unsafe.Slice((*T)(start), count)
	}
	if bigEndian {
		data = reversedItems(data, itemBytes[T]())
	}
	items := make([]T, count)
	copy(memoryOf(items), data)
	return items
}

// reversedItems is a copy in which the bytes of each item stand in the other order.
func reversedItems(data []byte, size int) []byte {
	reversed := slices.Clone(data)
	for item := range slices.Chunk(reversed, size) {
		slices.Reverse(item)
	}
	return reversed
}
