package acurast

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codes of errors that requests are answered with. Those from -32768 to -32000 have their meaning by JSON-RPC 2.0.
const (
	CodeInvalidRequest int64 = -32600
	CodeMethodNotFound int64 = -32601 // nobody serves the method there
	CodeInvalidParams  int64 = -32602
	CodeInternal       int64 = -32603
	CodeServerError    int64 = -32000 // the handler failed, and does not say how
	CodeBusy           int64 = -32001 // too many requests wait there
)

// RemoteError is what the recipient of a request answered in place of a result. [errors.Is] finds [ErrRemoteError]. All in it is a
// stranger's word.
type RemoteError struct {
	Code    int64
	Message string          // as it came
	Data    json.RawMessage // nil where none came; MessagePack, where it was asked in that
}

// shownMost is how many bytes of a stranger's words are in a text.
const shownMost = 500

// Error has the code, and the message with what could steer a terminal escaped, and cut short.
func (e *RemoteError) Error() string {
	text := ErrRemoteError.Error() + ": " + strconv.FormatInt(e.Code, 10)
	if e.Message == "" {
		return text
	}
	return text + ": " + shown(e.Message)
}

// Unwrap is ErrRemoteError.
func (e *RemoteError) Unwrap() error { return ErrRemoteError }

// shown is a stranger's text in a line.
func shown(text string) string {
	if len(text) > shownMost {
		end := shownMost
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// remoteErrorOf reads the error as it came; the core has seen to it that it is an object.
func remoteErrorOf(over outcome, messagePack bool) error {
	if messagePack {
		return packedErrorOf(over)
	}
	var came struct {
		Message json.RawMessage
		Data    json.RawMessage
	}
	failed := &RemoteError{Code: over.code}
	if json.Unmarshal(over.payload, &came) == nil {
		failed.Data = came.Data
		json.Unmarshal(came.Message, &failed.Message) // "" where it is no text
	}
	return failed
}

// packedErrorOf is the same in MessagePack-RPC, where an error may be of any form: a text is its message.
func packedErrorOf(over outcome) error {
	failed := &RemoteError{Code: over.code}
	text, isText := packedText(over.payload)
	switch {
	case isText:
		failed.Message = text
	case len(over.payload) == 0 || !isPackedMap(over.payload[0]):
		failed.Data = over.payload
	}
	packedEach(over.payload, func(name string, value []byte) {
		switch name {
		case "message":
			failed.Message, _ = packedText(value)
		case "data":
			failed.Data = value
		}
	})
	return failed
}

// RPCError is what a [Handler] returns, alone or wrapped, to answer with an error of its own. Every other error is answered with
// [CodeServerError], without its text.
type RPCError struct {
	Code    int64
	Message string // for people; what is secret does not belong here
	Data    any    // in the encoding of the request; nil: none
	cause   error
}

// Error has the code and the message.
func (e *RPCError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// Unwrap is the reason, where the package has made it.
func (e *RPCError) Unwrap() error { return e.cause }
