package acurast

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// ID is who a message comes from or goes to: the first 16 bytes of the SHA-256 of a public key of 33 bytes. It can be compared,
// be a key of a map, and is hexadecimal as text.
type ID core.ID

// IDOf is the id of a recipient in any form: an id (16 bytes), a compressed public key (33) or an uncompressed one (65). The error is
// [ErrBadRecipient] for another size, or [ErrBadKey] for what is not a point on the curve.
func IDOf(recipient []byte) (ID, error) {
	if !isBinary(len(recipient)) { // which the core might take for hex
		return ID{}, errorOf(core.Status(ErrBadRecipient), "hex goes to ParseID")
	}
	id, status := core.IDOf(recipient)
	return ID(id), errorOf(status, "")
}

// isBinary tells whether an id or a public key as bytes has this size; as hex none has.
func isBinary(size int) bool {
	return size == core.IDSize || size == core.PublicKeySize || size == core.UncompressedKeySize
}

// ParseID is the id of a recipient as hexadecimal text, with or without 0x: an id or a public key. The error is one of [IDOf], or
// [ErrBadHex].
func ParseID(text string) (ID, error) {
	if isBinary(len(text)) {
		return ID{}, errorOf(core.Status(ErrBadRecipient), "bytes go to IDOf")
	}
	id, status := core.IDOf([]byte(text))
	return ID(id), errorOf(status, "")
}

// MustParseID is ParseID for constants: it panics where that fails.
func MustParseID(text string) ID {
	id, err := ParseID(text)
	if err != nil {
		panic(fmt.Errorf("MustParseID(%q): %w", text, err))
	}
	return id
}

// String is 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// Message is one payload that arrived. It and its bytes are the receiver's.
type Message struct {
	Sender    ID // what the service says, no more
	Recipient ID // the client that got it
	Payload   []byte
}

// Text is the payload as a string.
func (m Message) Text() string { return string(m.Payload) }

// JSON decodes the payload into what value points to. The error is that of encoding/json.
func (m Message) JSON(value any) error { return json.Unmarshal(m.Payload, value) }
