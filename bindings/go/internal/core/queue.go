package core

// #include <stdlib.h>
// #include "glue.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// batch is how many events one call takes: enough that the call costs nothing beside them.
const batch = 256

// ID is the id of a client.
type ID = [IDSize]byte

// Kind is what an event tells of.
type Kind int

// The kinds.
const (
	StateEvent    Kind = C.ACURAST_EVENT_STATE
	PayloadEvent  Kind = C.ACURAST_EVENT_PAYLOAD
	OutcomeEvent  Kind = C.ACURAST_EVENT_OUTCOME
	WritableEvent Kind = C.ACURAST_EVENT_WRITABLE
	LogEvent      Kind = C.ACURAST_EVENT_LOG
	KeptEvent     Kind = C.ACURAST_EVENT_KEPT
	SeenEvent     Kind = C.ACURAST_EVENT_SEEN
	GoneEvent     Kind = C.ACURAST_EVENT_GONE
	ReplyEvent    Kind = C.ACURAST_EVENT_REPLY
	ProgressEvent Kind = C.ACURAST_EVENT_PROGRESS
	RequestEvent  Kind = C.ACURAST_EVENT_REQUEST
	AnswersEvent  Kind = C.ACURAST_EVENT_ANSWERS
)

// The states that events tell of.
const (
	StateIdle           = C.ACURAST_STATE_IDLE
	StateConnecting     = C.ACURAST_STATE_CONNECTING
	StateAuthenticating = C.ACURAST_STATE_AUTHENTICATING
	StateConnected      = C.ACURAST_STATE_CONNECTED
	StateDisconnected   = C.ACURAST_STATE_DISCONNECTED
	StateClosed         = C.ACURAST_STATE_CLOSED
	StateListening      = C.ACURAST_STATE_LISTENING
	StateDraining       = C.ACURAST_STATE_DRAINING
)

// The levels of log events.
const (
	LogError = C.ACURAST_LOG_ERROR
	LogWarn  = C.ACURAST_LOG_WARN
	LogInfo  = C.ACURAST_LOG_INFO
)

// How far a payload gets.
const (
	LevelWritten   = C.ACURAST_LEVEL_WRITTEN
	LevelRelayed   = C.ACURAST_LEVEL_RELAYED
	LevelDelivered = C.ACURAST_LEVEL_DELIVERED
)

// Whether somebody is here.
const (
	PresenceNotHere = C.ACURAST_PRESENCE_NOT_HERE
	PresenceHere    = C.ACURAST_PRESENCE_HERE
	PresenceAway    = C.ACURAST_PRESENCE_AWAY
)

// Event is one event. Everything in it is Go's own.
type Event struct {
	Kind      Kind
	Source    uint64
	Status    Status
	State     int
	Level     int
	Operation uint64 // of a RequestEvent: what it is answered by
	Token     uint64
	Sender    ID
	Recipient ID
	Payload   []byte // in a SeenEvent what Seen reads
	Answers   []Answer
	Reached   int
	Presence  int
	Text      string
	IsJSON    bool  // of a RequestEvent; else it is MessagePack
	Code      int64 // of a remote error
	CloseCode int
	Retry     time.Duration // -1 if there is no next try
}

// Answer is what one of many has said.
type Answer struct {
	ID     ID
	Status Status
	Data   []byte // the result, or the error as it came
	Code   int64  // of that error
	Group  uint32 // of a result: 1 for the largest number of equal ones
}

// Seen is what a look has found of one id.
type Seen struct {
	ID        ID
	PublicKey [PublicKeySize]byte // zero where it is not known
	Presence  int
}

// Seen is what the look has found, one for each id, in order.
func (e *Event) Seen() []Seen {
	found := make([]Seen, 0, len(e.Payload)/C.sizeof_acurast_seen)
	for rest := e.Payload; len(rest) >= C.sizeof_acurast_seen; rest = rest[C.sizeof_acurast_seen:] {
		one := Seen{Presence: int(rest[IDSize+PublicKeySize])}
		copy(one.ID[:], rest)
		copy(one.PublicKey[:], rest[IDSize:])
		found = append(found, one)
	}
	return found
}

// Queue collects the events of many clients and services. One goroutine waits for them and takes them.
type Queue struct {
	handle *C.acurast_queue
	views  *C.acurast_event_view
	file   *os.File // a duplicate of the queue's descriptor, which Go's own poller watches
	raw    syscall.RawConn
	take   func(uintptr) bool // made once, since a closure for each wake-up would be garbage
	count  int64              // what the last take gave
	event  Event
}

// NewQueue makes a queue of the core's default size. To be released.
func NewQueue(context *Context) (*Queue, error) {
	queue := &Queue{}
	if status := C.acurast_queue_create(context.handle, 0, 0, &queue.handle); status != C.ACURAST_OK {
		return nil, errors.New(Status(status).Info().Text)
	}
	queue.take = func(uintptr) bool {
		queue.count = int64(C.acurast_go_take(queue.handle, queue.views, batch))
		return queue.count != 0
	}
	queue.views = (*C.acurast_event_view)(C.calloc(batch, C.sizeof_acurast_event_view))
	if err := queue.watch(); err != nil {
		queue.Release()
		return nil, err
	}
	return queue, nil
}

func (q *Queue) watch() error {
	syscall.ForkLock.RLock()
	descriptor, err := syscall.Dup(int(C.acurast_queue_descriptor(q.handle)))
	if err == nil {
		syscall.CloseOnExec(descriptor)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return fmt.Errorf("the queue's descriptor: %w", err)
	}
	q.file = os.NewFile(uintptr(descriptor), "acurast queue")
	if err = q.file.SetReadDeadline(time.Time{}); err != nil { // as for whatever the poller did not take
		return fmt.Errorf("the queue's descriptor cannot be watched: %w", err)
	}
	q.raw, err = q.file.SyscallConn()
	return err
}

// Release gives it back. Only whoever takes may do that.
func (q *Queue) Release() {
	if q.file != nil {
		q.file.Close()
	}
	C.acurast_queue_release(q.handle)
	C.free(unsafe.Pointer(q.views))
}

// Drain waits until there are events, without holding a thread, and passes each to handle. What handle gets is valid during the call.
func (q *Queue) Drain(handle func(*Event)) error {
	if err := q.raw.Read(q.take); err != nil {
		return err
	}
	if q.count < 0 {
		return errors.New(Status(-q.count).Info().Text)
	}
	views := unsafe.Slice(q.views, int(q.count))
	for i := range views {
		read(&views[i], &q.event)
		handle(&q.event)
	}
	q.event = Event{}
	C.acurast_queue_done(q.handle)
	return nil
}

func read(view *C.acurast_event_view, event *Event) {
	*event = Event{Kind: Kind(view._type), Source: uint64(view.source), Status: Status(view.status)}
	switch event.Kind {
	case PayloadEvent:
		event.Sender = *(*ID)(unsafe.Pointer(view.sender))
		event.Recipient = *(*ID)(unsafe.Pointer(view.recipient))
		event.Payload = payloadOf(view)
	case OutcomeEvent:
		event.Token = uint64(view.token)
		event.Reached = int(view.reached)
	case KeptEvent:
		event.Token = uint64(view.token)
	case SeenEvent:
		event.Token = uint64(view.token)
		event.Payload = payloadOf(view)
	case GoneEvent:
		event.Sender = *(*ID)(unsafe.Pointer(view.sender))
		event.Presence = int(view.presence)
	case ReplyEvent:
		event.Token = uint64(view.token)
		event.Payload = payloadOf(view)
		event.Code = int64(view.code)
	case AnswersEvent:
		event.Token = uint64(view.token)
		event.Answers = answersOf(view)
	case ProgressEvent:
		event.Token = uint64(view.token)
		event.Payload = payloadOf(view)
	case RequestEvent:
		event.Operation = uint64(view.operation)
		event.Token = uint64(view.token)
		event.Sender = *(*ID)(unsafe.Pointer(view.sender))
		event.Payload = payloadOf(view)
		event.Text = C.GoString(view.text)
		event.IsJSON = view.encoding == C.ACURAST_ENCODING_JSON
	case StateEvent:
		event.State = int(view.state)
		event.Text = C.GoString(view.text)
		event.CloseCode = int(view.close_code)
		event.Retry = -1
		if view.retry_ms >= 0 {
			event.Retry = time.Duration(view.retry_ms) * time.Millisecond
		}
	case LogEvent:
		event.Level = int(view.level)
		event.Text = C.GoString(view.text)
	}
}

func answersOf(view *C.acurast_event_view) []Answer {
	came := unsafe.Slice((*C.acurast_answer)(unsafe.Pointer(view.payload)), int(view.payload_size)/C.sizeof_acurast_answer)
	answers := make([]Answer, 0, len(came))
	for i := range came {
		each := &came[i]
		answers = append(answers, Answer{
			ID:     *(*ID)(unsafe.Pointer(&each.id)),
			Status: Status(each.status),
			Data:   copied(each.data, each.size),
			Code:   int64(each.code),
			Group:  uint32(each.group),
		})
	}
	return answers
}

func payloadOf(view *C.acurast_event_view) []byte {
	return copied(view.payload, view.payload_size)
}

func copied(data *C.uint8_t, size C.size_t) []byte {
	own := make([]byte, int(size))
	copy(own, unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)))
	return own
}
