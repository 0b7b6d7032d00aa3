// SPDX-License-Identifier: Apache-2.0

package torchere

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/torchere/torchere/client/go/torcherev1"
)

// Error is why a call failed: an answer of the server, of gRPC (no connection, a deadline that
// passed on the way), or a call that this package does not send because it cannot be right. Take it
// out of an error with [errors.As]. [status.FromError] takes it, too, and
// errors.Is(err, context.DeadlineExceeded) and context.Canceled hold where the code says so.
type Error struct {
	// Code is the gRPC status code.
	Code codes.Code
	// Message says what went wrong, in one line for a person.
	Message string
	// Reason says why, for a program: "MODEL_NOT_FOUND", "SHAPE_MISMATCH", …; empty where gRPC ended
	// the call.
	Reason string
	// Model is the model that it is about; empty where it is about none.
	Model string
	// Metadata says what it is about: model, version, input, expected, got, ….
	Metadata map[string]string
	// RetryAfter is how long to wait at least before the next try; 0 where the server names no time.
	RetryAfter time.Duration
}

// Error is "torchere: INVALID_ARGUMENT (SHAPE_MISMATCH): model 'digits' …".
func (e *Error) Error() string {
	reason := ""
	if e.Reason != "" {
		reason = " (" + e.Reason + ")"
	}
	return fmt.Sprintf("torchere: %v%s: %s", code.Code(e.Code), reason, e.Message)
}

// GRPCStatus is the error as gRPC has it, with its details; [status.FromError] calls it.
func (e *Error) GRPCStatus() *status.Status {
	result := status.New(e.Code, e.Message)
	if e.Reason != "" {
		info := &errdetails.ErrorInfo{Reason: e.Reason, Domain: "torchere", Metadata: e.Metadata}
		if detailed, err := result.WithDetails(info); err == nil {
			result = detailed
		}
	}
	if e.RetryAfter > 0 {
		retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}
		if detailed, err := result.WithDetails(retry); err == nil {
			result = detailed
		}
	}
	return result
}

// Is tells errors.Is whether the call was ended by its context.
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded ||
		target == context.Canceled && e.Code == codes.Canceled
}

// fromGRPC is an Error of what a stub returned; nil of nil.
func fromGRPC(err error) *Error {
	if err == nil {
		return nil
	}
	// status.Convert would put the text of what wraps the status ("max retries exhausted: …") into
	// the server's.
	var wrapped interface{ GRPCStatus() *status.Status }
	answer := status.Convert(err)
	if errors.As(err, &wrapped) {
		answer = wrapped.GRPCStatus()
	}
	result := &Error{Code: answer.Code(), Message: answer.Message()}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			result.Reason = detail.GetReason()
			result.Metadata = detail.GetMetadata()
			result.Model = detail.GetMetadata()["model"]
		case *errdetails.RetryInfo:
			result.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	return result
}

// fromMessage is an Error of what an answer says of a version; nil of nil.
func fromMessage(message *torcherev1.Error) *Error {
	if message == nil {
		return nil
	}
	return &Error{
		Code:       codes.Code(message.GetCode()),
		Message:    message.GetMessage(),
		Reason:     message.GetReason(),
		Model:      message.GetMetadata()["model"],
		Metadata:   message.GetMetadata(),
		RetryAfter: message.GetRetryAfter().AsDuration(),
	}
}

// invalid is an Error about what the caller gave. Its reasons are the server's.
func invalid(reason, format string, arguments ...any) *Error {
	return &Error{Code: codes.InvalidArgument, Reason: reason, Message: fmt.Sprintf(format, arguments...)}
}

// unreadable is an Error about a value of an answer.
func unreadable(what string, wrong *valueError) *Error {
	return &Error{
		Code:   codes.Internal,
		Reason: wrong.reason,
		Message: fmt.Sprintf("this client cannot read the answer; is it older than the server? %s%s: %s",
			what, wrong.path, wrong.text),
	}
}
