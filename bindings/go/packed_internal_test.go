package acurast

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// whole are values of each form that MessagePack has.
var whole = []string{
	"\x00", "\x7f", "\xe0", "\xff", "\xc0", "\xc2", "\xc3",
	"\x80", "\x81\xa1a\x01", "\x82\xa0\x80\x01\x90", "\x90", "\x92\x01\x91\xa1b", "\xa0", "\xa3abc",
	"\xc4\x02ab", "\xc5\x00\x01a", "\xc6\x00\x00\x00\x01a", "\xc7\x01\x05a", "\xc8\x00\x01\x05a", "\xc9\x00\x00\x00\x01\x05a",
	"\xca1234", "\xcb12345678", "\xcc1", "\xcd12", "\xce1234", "\xcf12345678", "\xd01", "\xd112", "\xd21234", "\xd312345678",
	"\xd4t1", "\xd5t12", "\xd6t1234", "\xd7t12345678", "\xd8t0123456789abcdef",
	"\xd9\x01a", "\xda\x00\x01a", "\xdb\x00\x00\x00\x01a", "\xdc\x00\x01\x01", "\xdd\x00\x00\x00\x01\x01",
	"\xde\x00\x01\x01\x02", "\xdf\x00\x00\x00\x01\x01\x02",
}

func TestWhereValuesOfMessagePackEnd(t *testing.T) {
	for _, each := range whole {
		value, rest, found := packedCut([]byte(each + "rest"))
		if !found || string(value) != each || string(rest) != "rest" {
			t.Errorf("%x: %x, %q, %v", each, value, rest, found)
		}
		for i := range each {
			if value, _, found := packedCut([]byte(each[:i])); found {
				t.Errorf("%x of %x was taken for %x", each[:i], each, value)
			}
		}
	}
	if _, _, found := packedCut([]byte("\xc1")); found {
		t.Error("there is no c1")
	}
}

func TestErrorsOfMessagePackRPC(t *testing.T) {
	for _, each := range []struct {
		came string
		want RemoteError
	}{
		{"\x83\xa4code\x07\xa7message\xa2no\xa4data\x81\x01\x02", RemoteError{7, "no", []byte("\x81\x01\x02")}},
		{"\xde\x00\x02\x01\x02\xd9\x07message\xda\x00\x02no", RemoteError{7, "no", nil}}, // a name that is a number
		{"\x81\xa7message\x05", RemoteError{7, "", nil}},
		{"\xa2no", RemoteError{7, "no", nil}},
		{"\x93\x01\x02\x03", RemoteError{7, "", []byte("\x93\x01\x02\x03")}},
		{"\x05", RemoteError{7, "", []byte("\x05")}},
		{"\x82\xa7message\xa2no\xa4data", RemoteError{7, "no", nil}}, // which never comes from the core
		{"\x81\xa7message\xdb\xff\xff\xff\xff", RemoteError{7, "", nil}},
	} {
		got := packedErrorOf(outcome{code: 7, payload: []byte(each.came)})
		if !reflect.DeepEqual(got, &each.want) {
			t.Errorf("%q: %+v", each.came, got)
		}
	}
}

func TestParamsInMessagePack(t *testing.T) {
	raw := &codec{messagePack: true, marshal: func(value any) ([]byte, error) { return []byte(value.(string)), nil }}
	for _, each := range whole {
		first, fits := each[0], strings.Contains("\x80\x81\x82\x90\x92\xdc\xdd\xde\xdf", each[:1])
		params, err := raw.params("a", each)
		switch {
		case first == packedNil && (err != nil || params != nil):
			t.Errorf("nothing: %x, %v", params, err)
		case first != packedNil && fits != (err == nil), fits && !bytes.Equal(params, []byte(each)):
			t.Errorf("%x: %x, %v", each, params, err)
		}
	}
	if _, err := raw.params("a", ""); err == nil {
		t.Error("there was no value")
	}
}

func FuzzPackedCut(f *testing.F) {
	for _, each := range whole {
		f.Add([]byte(each))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, rest, found := packedCut(data)
		if found && (len(value) == 0 || len(value)+len(rest) != len(data)) {
			t.Fatalf("%x and %x of %x", value, rest, data)
		}
		packedErrorOf(outcome{payload: data})
	})
}
