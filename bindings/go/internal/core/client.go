package core

// #include "glue.h"
import "C"

import (
	"encoding/binary"
	"sync"
)

// Client is a client's handle. Any goroutine may use it, also once it was released: every call then says Closed.
type Client struct {
	mu     sync.RWMutex // held for writing by Release alone
	handle *C.acurast_client
}

// NewClient makes a client that delivers to the queue as source. To be released.
func NewClient(context *Context, options *Options, identity *Identity, queue *Queue, source uint64) (*Client, Status) {
	client := &Client{}
	status := identity.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_client_create(context.handle, options.handle, handle, &client.handle)
	})
	if status != OK {
		return nil, status
	}
	if status := C.acurast_client_set_queue(client.handle, queue.handle, C.uint64_t(source)); status != C.ACURAST_OK {
		client.Release()
		return nil, Status(status)
	}
	return client, OK
}

func (c *Client) use(call func(*C.acurast_client) C.acurast_status) Status {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return Closed
	}
	return Status(call(c.handle))
}

// Connect starts connecting.
func (c *Client) Connect() Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status { return C.acurast_client_connect(handle) })
}

// Close asks to end; the event CLOSED tells when that is done.
func (c *Client) Close() Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status { return C.acurast_client_close(handle) })
}

// Cancel asks to cancel one send or look.
func (c *Client) Cancel(operation uint64) Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status {
		return C.acurast_client_cancel(handle, C.uint64_t(operation))
	})
}

// Pause stops or resumes reading from the service.
func (c *Client) Pause(paused bool) Status {
	return c.use(func(handle *C.acurast_client) C.acurast_status { return C.acurast_client_pause(handle, truth(paused)) })
}

func truth(value bool) C.int {
	if value {
		return 1
	}
	return 0
}

// SendParams are the settings of one send.
type SendParams struct {
	Token     uint64 // comes back in the outcome
	Quiet     bool   // no outcome
	TimeoutMs uint32 // 0: the option send-timeout
	Until     uint32 // a level
	TellKept  bool   // a KeptEvent is wanted
}

// Send puts a payload into the outbox. An outcome follows, unless it is quiet, or the operation is 0: then the payload was written at
// once.
func (c *Client) Send(to ID, payload []byte, params SendParams) (operation uint64, status Status) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return 0, Closed
	}
	first, second := binary.NativeEndian.Uint64(to[:8]), binary.NativeEndian.Uint64(to[8:])
	answer := C.acurast_go_send(c.handle, C.uint64_t(first), C.uint64_t(second),
		bytes(payload), C.size_t(len(payload)), C.uint64_t(params.Token), truth(params.Quiet), C.uint32_t(params.TimeoutMs),
		C.uint32_t(params.Until), truth(params.TellKept))
	return operationOf(answer)
}

// operationOf tells apart what a call of the glue answers: an operation, or a status below 0.
func operationOf(answer C.int64_t) (uint64, Status) {
	if answer < 0 {
		return 0, Status(-answer)
	}
	return uint64(answer), OK
}

// LookMax is how many ids fit into one look.
const LookMax = C.ACURAST_LOOK_MAX

// Look asks who is here. The ids, 1 to LookMax, stand one behind the other. A SeenEvent follows.
func (c *Client) Look(ids []byte, token uint64, timeoutMs uint32) (operation uint64, status Status) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return 0, Closed
	}
	return operationOf(C.acurast_go_look(c.handle, bytes(ids), C.size_t(len(ids)/IDSize), C.uint64_t(token), C.uint32_t(timeoutMs)))
}

// Stats are a client's figures.
type Stats struct {
	Connections, PayloadsIn, PayloadsOut, OutboxCount, OutboxBytes, IgnoredFrames, StrayPayloads, LargePayloads,
	Repeats, ForeignReceipts uint64
}

// Stats reads them.
func (c *Client) Stats() (Stats, Status) {
	figures := C.acurast_client_stats{size: C.sizeof_acurast_client_stats}
	status := c.use(func(handle *C.acurast_client) C.acurast_status { return C.acurast_client_get_stats(handle, &figures) })
	return Stats{
		Connections:     uint64(figures.connections),
		PayloadsIn:      uint64(figures.payloads_in),
		PayloadsOut:     uint64(figures.payloads_out),
		OutboxCount:     uint64(figures.outbox_count),
		OutboxBytes:     uint64(figures.outbox_bytes),
		IgnoredFrames:   uint64(figures.ignored_frames),
		StrayPayloads:   uint64(figures.stray_payloads),
		LargePayloads:   uint64(figures.large_payloads),
		Repeats:         uint64(figures.repeats),
		ForeignReceipts: uint64(figures.foreign_receipts),
	}, status
}

// Release gives the handle back, once no call is in it.
func (c *Client) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	C.acurast_client_release(c.handle)
	c.handle = nil
}
