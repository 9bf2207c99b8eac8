package core

// #include "glue.h"
import "C"

// Context owns the I/O threads.
type Context struct{ handle *C.acurast_context }

// NewContext starts no thread yet. To be released; options may be nil.
func NewContext(options *Options) (*Context, Status) {
	context := &Context{}
	var handle *C.acurast_options
	if options != nil {
		handle = options.handle
	}
	status := Status(C.acurast_context_create(handle, &context.handle))
	return context, status
}

// Release gives it back; its threads end once its clients and services are closed.
func (c *Context) Release() { C.acurast_context_release(c.handle) }
