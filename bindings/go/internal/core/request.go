package core

// #include "glue.h"
// #include <stdlib.h>
import "C"

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// RequestParams are the settings of one request.
type RequestParams struct {
	Token     uint64 // comes back in its events
	TimeoutMs uint32 // until the answer
	Retry     bool   // it may be executed more than once

	MessagePack bool // else it is JSON

	Need  uint32 // of a request to many: results that end it; 0 for all
	Agree bool   // of a request to many: so many have to be equal
}

// Request asks a recipient. The method has no byte 0; params are an array, an object, or nothing. A ReplyEvent follows.
func (c *Client) Request(to ID, method string, params []byte, settings RequestParams) (operation uint64, status Status) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return 0, Closed
	}
	first, second := binary.NativeEndian.Uint64(to[:8]), binary.NativeEndian.Uint64(to[8:])
	return operationOf(C.acurast_go_request(c.handle, C.uint64_t(first), C.uint64_t(second), terminated(method),
		bytes(params), C.size_t(len(params)), C.uint64_t(settings.Token), C.uint32_t(settings.TimeoutMs), truth(settings.Retry),
		truth(settings.MessagePack)))
}

// RequestMany asks several the same. The ids stand one behind the other. An AnswersEvent follows.
func (c *Client) RequestMany(ids []byte, method string, params []byte, settings RequestParams) (operation uint64, status Status) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return 0, Closed
	}
	return operationOf(C.acurast_go_request_many(c.handle, bytes(ids), C.size_t(len(ids)/IDSize), terminated(method),
		bytes(params), C.size_t(len(params)), C.uint64_t(settings.Token), C.uint32_t(settings.TimeoutMs), truth(settings.Retry),
		truth(settings.MessagePack), C.uint32_t(settings.Need), truth(settings.Agree)))
}

// terminated is a text as C has it. What comes after a byte 0 would be lost: the byte becomes U+FFFD.
func terminated(text string) *C.uint8_t {
	return bytes(append([]byte(strings.ReplaceAll(text, "\x00", "\uFFFD")), 0))
}

// Serve hands out the requests for a method: each is a RequestEvent with this token.
func (c *Client) Serve(method string, token uint64) Status {
	name := C.CString(method)
	defer C.free(unsafe.Pointer(name))
	return c.use(func(handle *C.acurast_client) C.acurast_status {
		return C.acurast_client_serve(handle, name, C.uint64_t(token))
	})
}

// Answer answers a request with a result.
func (c *Client) Answer(request uint64, result []byte) Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status {
		return C.acurast_go_answer(handle, C.uint64_t(request), bytes(result), C.size_t(len(result)))
	})
}

// AnswerError answers it with an error; data may be nothing.
func (c *Client) AnswerError(request uint64, code int64, message string, data []byte) Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status {
		return C.acurast_go_answer_error(handle, C.uint64_t(request), C.int64_t(code), terminated(message),
			bytes(data), C.size_t(len(data)))
	})
}

// Progress tells the asker how far it is.
func (c *Client) Progress(request uint64, value []byte) Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status {
		return C.acurast_go_progress(handle, C.uint64_t(request), bytes(value), C.size_t(len(value)))
	})
}
