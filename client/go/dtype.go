// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"fmt"
	"strings"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// DType is the type of a tensor's items.
type DType int32

// The types that there are. A DTypeUnspecified says that none is declared.
const (
	DTypeUnspecified = DType(torcherev1.DataType_DATA_TYPE_UNSPECIFIED)
	DTypeBool        = DType(torcherev1.DataType_DATA_TYPE_BOOL)
	DTypeUint8       = DType(torcherev1.DataType_DATA_TYPE_UINT8)
	DTypeInt8        = DType(torcherev1.DataType_DATA_TYPE_INT8)
	DTypeInt16       = DType(torcherev1.DataType_DATA_TYPE_INT16)
	DTypeInt32       = DType(torcherev1.DataType_DATA_TYPE_INT32)
	DTypeInt64       = DType(torcherev1.DataType_DATA_TYPE_INT64)
	DTypeFP16        = DType(torcherev1.DataType_DATA_TYPE_FP16)
	DTypeBF16        = DType(torcherev1.DataType_DATA_TYPE_BF16)
	DTypeFP32        = DType(torcherev1.DataType_DATA_TYPE_FP32)
	DTypeFP64        = DType(torcherev1.DataType_DATA_TYPE_FP64)
)

// String is the type's name: "FP32", "INT64", ….
func (d DType) String() string {
	if name, known := torcherev1.DataType_name[int32(d)]; known {
		return strings.TrimPrefix(name, "DATA_TYPE_")
	}
	return fmt.Sprintf("dtype %d", int32(d))
}

// dtypeOf is the DType of a Tensor[T].
func dtypeOf[T Element]() DType {
	var item T
	switch any(item).(type) {
	case bool:
		return DTypeBool
	case uint8:
		return DTypeUint8
	case int8:
		return DTypeInt8
	case int16:
		return DTypeInt16
	case int32:
		return DTypeInt32
	case int64:
		return DTypeInt64
	case FP16:
		return DTypeFP16
	case BF16:
		return DTypeBF16
	case float32:
		return DTypeFP32
	default:
		return DTypeFP64
	}
}
