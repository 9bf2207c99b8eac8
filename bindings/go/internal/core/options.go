package core

// #include <stdlib.h>
// #include "glue.h"
import "C"

import (
	"strings"
	"unsafe"
)

// Scope says whose options are meant.
type Scope int

// The scopes.
const (
	ContextScope Scope = C.ACURAST_SCOPE_CONTEXT
	ClientScope  Scope = C.ACURAST_SCOPE_CLIENT
	ServiceScope Scope = C.ACURAST_SCOPE_SERVICE
)

// Options are settings of one scope. Not for several goroutines at once.
type Options struct{ handle *C.acurast_options }

// NewOptions are all at their defaults. To be released.
func NewOptions(scope Scope) (*Options, Status) {
	options := &Options{}
	status := C.acurast_options_create(C.acurast_option_scope(scope), &options.handle)
	return options, Status(status)
}

// Release gives them back.
func (o *Options) Release() { C.acurast_options_release(o.handle) }

// SetText sets an option of any type from text.
func (o *Options) SetText(name, text string) Status {
	return o.texts(name, text, func(name, text *C.char) C.acurast_status {
		return C.acurast_options_set(o.handle, name, text)
	})
}

// Add adds an element to a list; the first replaces the default.
func (o *Options) Add(name, element string) Status {
	return o.texts(name, element, func(name, element *C.char) C.acurast_status {
		return C.acurast_options_add(o.handle, name, element)
	})
}

// SetInt sets a number, a truth value or a time, in the unit of the option's type.
func (o *Options) SetInt(name string, value int64) Status {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	return Status(C.acurast_options_set_int(o.handle, cName, C.int64_t(value)))
}

// Text is what an option is set to: for tests.
func (o *Options) Text(name string) (text string, status Status) {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	size := C.size_t(1 << 10)
	buffer := (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(buffer))
	if status = Status(C.acurast_options_get(o.handle, cName, buffer, &size)); status == OK {
		text = C.GoString(buffer)
	}
	return text, status
}

// Error says what was wrong with the last call that failed.
func (o *Options) Error() string { return C.GoString(C.acurast_options_error(o.handle)) }

// texts refuses what C would take for a shorter text.
func (o *Options) texts(name, text string, call func(name, text *C.char) C.acurast_status) Status {
	if strings.IndexByte(text, 0) >= 0 {
		return BadOption
	}
	cName, cText := C.CString(name), C.CString(text)
	defer C.free(unsafe.Pointer(cName))
	defer C.free(unsafe.Pointer(cText))
	return Status(call(cName, cText))
}

// OptionInfo is one row of the core's table of options.
type OptionInfo struct {
	Name     string
	Scope    Scope
	Type     string // bool, count, size, milliseconds, seconds, text, list, choice
	Default  string
	Min, Max int64
	Choices  string // separated by '|'
	Help     string
}

var optionTypes = map[C.acurast_option_type]string{
	C.ACURAST_OPTION_BOOL:         "bool",
	C.ACURAST_OPTION_COUNT:        "count",
	C.ACURAST_OPTION_SIZE:         "size",
	C.ACURAST_OPTION_MILLISECONDS: "milliseconds",
	C.ACURAST_OPTION_SECONDS:      "seconds",
	C.ACURAST_OPTION_TEXT:         "text",
	C.ACURAST_OPTION_LIST:         "list",
	C.ACURAST_OPTION_CHOICE:       "choice",
}

// OptionTable is the whole table.
func OptionTable() []OptionInfo {
	var all []OptionInfo
	var info C.acurast_option_info
	for i := C.size_t(0); C.acurast_option_at(i, &info) == C.ACURAST_OK; i++ {
		all = append(all, OptionInfo{
			Name:    C.GoString(info.name),
			Scope:   Scope(info.scope),
			Type:    optionTypes[info._type],
			Default: C.GoString(info.default_text),
			Min:     int64(info.min),
			Max:     int64(info.max),
			Choices: C.GoString(info.choices),
			Help:    C.GoString(info.help),
		})
	}
	return all
}
