package core

// #include "glue.h"
import "C"

// Status is what a call of the core answers; 0 is success.
type Status int

// The statuses that this binding itself has to tell apart.
const (
	OK           Status = C.ACURAST_OK
	BadState     Status = C.ACURAST_BAD_STATE
	Closed       Status = C.ACURAST_CLOSED
	BadOption    Status = C.ACURAST_BAD_OPTION
	OutboxFull   Status = C.ACURAST_OUTBOX_FULL
	Expired      Status = C.ACURAST_EXPIRED
	Cancelled    Status = C.ACURAST_CANCELLED
	Timeout      Status = C.ACURAST_TIMEOUT
	NotFound     Status = C.ACURAST_NOT_FOUND
	NotHere      Status = C.ACURAST_NOT_HERE
	Undetermined Status = C.ACURAST_UNDETERMINED
	RemoteError  Status = C.ACURAST_REMOTE_ERROR

	NotEnoughAnswers Status = C.ACURAST_NOT_ENOUGH_ANSWERS
)

// StatusInfo is one row of the core's table.
type StatusInfo struct {
	Status    Status
	Name      string
	Text      string
	Retriable bool
}

// Info is the row of a status; Name is "UNKNOWN" for a number that is not in the table.
func (s Status) Info() StatusInfo {
	status := C.acurast_status(s)
	return StatusInfo{
		Status:    s,
		Name:      C.GoString(C.acurast_status_name(status)),
		Text:      C.GoString(C.acurast_status_text(status)),
		Retriable: C.acurast_status_retriable(status) != 0,
	}
}

// Statuses is the whole table.
func Statuses() []StatusInfo {
	var all []StatusInfo
	var status C.acurast_status
	for i := C.size_t(0); C.acurast_status_at(i, &status) == 0; i++ {
		all = append(all, Status(status).Info())
	}
	return all
}
