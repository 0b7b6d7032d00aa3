// SPDX-License-Identifier: Apache-2.0

// Package torchere is the client of Torchere, the gRPC server for PyTorch models.
//
//	client, err := torchere.New("127.0.0.1:8500")
//	answer, err := client.Predict(ctx, "digits", torchere.Inputs{
//		"pixels": torchere.NewTensor(pixels, 1, 1, 8, 8),
//	})
//	scores, err := torchere.Output[torchere.Tensor[float32]](answer, "probabilities")
//
// # Values
//
// What a model takes and returns is a [Value], one of
//
//	TorchScript                 Go
//	Tensor                      Tensor[float32], Tensor[int64], …
//	str, int, float, bool       Text, Int, Float, Bool
//	None, an empty Optional     Null
//	List, Tuple                 List
//	Dict, NamedTuple            Map (a NamedTuple's keys are its fields' names)
//
// # Errors
//
// Every method returns an [*Error] where it fails, of the server's or of its own making:
//
//	var refused *torchere.Error
//	if errors.As(err, &refused) && refused.Reason == "MODEL_NOT_FOUND" {
//
// # Stubs
//
// What gRPC itself offers is in package torcherev1, over the same connection:
//
//	stub := torcherev1.NewPredictServiceClient(client.Conn())
package torchere
