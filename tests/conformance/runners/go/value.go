// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	torchere "github.com/torchere/torchere/client/go"
)

// itemBytes has the size of an item by the name of its dtype.
var itemBytes = map[string]int64{
	"BOOL": 1, "UINT8": 1, "INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8, "FP16": 2, "BF16": 2, "FP32": 4, "FP64": 8,
}

// dtypes has the dtypes by their names.
var dtypes = func() map[string]torchere.DType {
	named := map[string]torchere.DType{}
	for dtype := torchere.DTypeBool; dtype <= torchere.DTypeFP64; dtype++ {
		named[dtype.String()] = dtype
	}
	return named
}()

// caseTensor is a case's tensor.
type caseTensor struct {
	DType string
	Shape []int64
	Data  string
	Fill  string
}

// caseValue is a case's VALUE; it has one member.
type caseValue struct {
	Tensor *caseTensor
	Text   *string
	Int    *string
	Float  any
	Bool   *bool
	List   *[]caseValue
	Map    *map[string]caseValue
	IntMap *map[string]caseValue `json:"int_map"`
	Null   json.RawMessage
}

// value is the library's value of it.
func (c caseValue) value() (torchere.Value, error) {
	switch {
	case c.Tensor != nil:
		return c.Tensor.value()
	case c.Text != nil:
		return torchere.Text(*c.Text), nil
	case c.Int != nil:
		number, err := strconv.ParseInt(*c.Int, 10, 64)
		return torchere.Int(number), err
	case c.Float != nil:
		number, err := strconv.ParseFloat(fmt.Sprint(c.Float), 64)
		return torchere.Float(number), err
	case c.Bool != nil:
		return torchere.Bool(*c.Bool), nil
	case c.List != nil:
		return listOf(*c.List)
	case c.Map != nil:
		return mapOf(*c.Map, func(key string) (torchere.Key, error) { return torchere.Text(key), nil })
	case c.IntMap != nil:
		return mapOf(*c.IntMap, func(key string) (torchere.Key, error) {
			number, err := strconv.ParseInt(key, 10, 64)
			return torchere.Int(number), err
		})
	case c.Null != nil:
		return torchere.Null{}, nil
	}
	return nil, fmt.Errorf("a value of a kind that this runner does not know")
}

func listOf(items []caseValue) (torchere.Value, error) {
	list := make(torchere.List, len(items))
	for i, item := range items {
		var err error
		if list[i], err = item.value(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func mapOf(entries map[string]caseValue, keyOf func(string) (torchere.Key, error)) (torchere.Value, error) {
	result := torchere.Map{}
	for name, content := range entries {
		key, err := keyOf(name)
		if err != nil {
			return nil, err
		}
		value, err := content.value()
		if err != nil {
			return nil, err
		}
		result = append(result, torchere.Entry{Key: key, Value: value})
	}
	return result, nil
}

func (c caseTensor) value() (torchere.Value, error) {
	data, err := base64.StdEncoding.DecodeString(c.Data)
	if c.Fill == "count" {
		size := itemBytes[c.DType]
		for _, length := range c.Shape {
			size *= length
		}
		data = make([]byte, size)
		for i := range data {
			data[i] = byte(i % 251)
		}
	}
	if err != nil {
		return nil, err
	}
	return torchere.TensorFromBytes(dtypes[c.DType], c.Shape, data)
}

// same says whether two values are equal bit by bit and of one type, maps without their order; NaN
// equals NaN.
func same(one, other torchere.Value) bool {
	switch one := one.(type) {
	case torchere.AnyTensor:
		tensor, is := other.(torchere.AnyTensor)
		return is && one.DType() == tensor.DType() && slices.Equal(one.Dims(), tensor.Dims()) &&
			bytes.Equal(one.Bytes(), tensor.Bytes())
	case torchere.Float:
		number, is := other.(torchere.Float)
		return is && (one != one && number != number ||
			math.Float64bits(float64(one)) == math.Float64bits(float64(number)))
	case torchere.List:
		list, is := other.(torchere.List)
		return is && slices.EqualFunc(one, list, same)
	case torchere.Map:
		entries, is := other.(torchere.Map)
		return is && len(one) == len(entries) && !slices.ContainsFunc(one, func(entry torchere.Entry) bool {
			found := entries.Get(entry.Key)
			return found == nil || !same(entry.Value, found)
		})
	}
	return one == other
}
