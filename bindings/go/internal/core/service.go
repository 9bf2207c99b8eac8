package core

// #include <stdlib.h>
// #include "glue.h"
import "C"

import (
	"sync"
	"unsafe"
)

// Service is a service's handle. Any goroutine may use it, also once it was released: every call then says Closed.
type Service struct {
	mu     sync.RWMutex // held for writing by Release alone
	handle *C.acurast_service
	told   sync.Mutex // from a call to the reading of what was wrong with it
}

// NewService makes a service that delivers states and log lines to the queue as source. To be released.
func NewService(context *Context, options *Options, queue *Queue, source uint64) (*Service, Status) {
	service := &Service{}
	status := C.acurast_service_create(context.handle, options.handle, &service.handle)
	if status != C.ACURAST_OK {
		return nil, Status(status)
	}
	if status = C.acurast_service_set_queue(service.handle, queue.handle, C.uint64_t(source)); status != C.ACURAST_OK {
		service.Release()
		return nil, Status(status)
	}
	return service, OK
}

func (s *Service) use(call func(*C.acurast_service) C.acurast_status) Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.handle == nil {
		return Closed
	}
	return Status(call(s.handle))
}

// tell is use that says what was wrong, too: one call at a time, since the core keeps that of the last.
func (s *Service) tell(call func(*C.acurast_service) C.acurast_status) (status Status, detail string) {
	s.told.Lock()
	defer s.told.Unlock()
	status = s.use(func(handle *C.acurast_service) C.acurast_status {
		answer := call(handle)
		if answer != C.ACURAST_OK {
			detail = C.GoString(C.acurast_service_error(handle))
		}
		return answer
	})
	return status, detail
}

// Start binds and listens.
func (s *Service) Start() (Status, string) {
	return s.tell(func(handle *C.acurast_service) C.acurast_status { return C.acurast_service_start(handle) })
}

// Reload reads certificate, key and lists again.
func (s *Service) Reload() (Status, string) {
	return s.tell(func(handle *C.acurast_service) C.acurast_status { return C.acurast_service_reload(handle) })
}

// Close asks to drain; the event CLOSED tells when that is done.
func (s *Service) Close() {
	s.use(func(handle *C.acurast_service) C.acurast_status { return C.acurast_service_close(handle) })
}

// Addresses are where it listens: "" and 0 before it started.
func (s *Service) Addresses() (url, adminURL string, port int) {
	s.use(func(handle *C.acurast_service) C.acurast_status {
		url, adminURL = C.GoString(C.acurast_service_url(handle)), C.GoString(C.acurast_service_admin_url(handle))
		port = int(C.acurast_service_port(handle))
		return C.ACURAST_OK
	})
	return url, adminURL, port
}

// Metrics are its figures in Prometheus text.
func (s *Service) Metrics() (text string, status Status) {
	size := C.size_t(16 << 10)
	status = s.use(func(handle *C.acurast_service) C.acurast_status {
		for {
			buffer := (*C.char)(C.malloc(size))
			answer := C.acurast_service_metrics(handle, buffer, &size)
			if answer == C.ACURAST_OK {
				text = C.GoString(buffer)
			}
			C.free(unsafe.Pointer(buffer))
			if answer != C.ACURAST_TOO_SMALL { // figures grow while one asks
				return answer
			}
		}
	})
	return text, status
}

// Release gives the handle back, once no call is in it.
func (s *Service) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	C.acurast_service_release(s.handle)
	s.handle = nil
}
