package acurast

import (
	"encoding/json"
	"fmt"
)

// codec is an encoding of requests: how values of Go become it, and what they are made of.
type codec struct {
	messagePack bool // else JSON
	marshal     func(value any) ([]byte, error)
	unmarshal   func(data []byte, value any) error
}

var jsonCodec = &codec{marshal: json.Marshal, unmarshal: json.Unmarshal}

// WithMessagePack lets a client speak MessagePack-RPC as well as JSON-RPC: by the two functions of a library, such as
//
//	acurast.WithMessagePack(msgpack.Marshal, msgpack.Unmarshal) // of github.com/vmihailenco/msgpack/v5
//
// Then requests that come in MessagePack are handed to the same handlers, and answered in it; without it they are answered with
// [CodeInvalidRequest]. Requests of this client are in JSON, unless they are made with [InMessagePack]. Several goroutines call the
// functions at once, and unmarshal is given what strangers have sent: one whole value of MessagePack.
func WithMessagePack(marshal func(value any) ([]byte, error), unmarshal func(data []byte, value any) error) ClientOption {
	return clientSetting{own: func(c *config) error {
		if marshal == nil || unmarshal == nil {
			return invalid("WithMessagePack: nil")
		}
		c.messagePack = &codec{messagePack: true, marshal: marshal, unmarshal: unmarshal}
		return nil
	}}
}

// InMessagePack makes the request one of MessagePack-RPC. Its params have to become an array or a map; what comes back in raw, of
// [OnProgress], [Answer] and [RemoteError], is MessagePack. The client needs [WithMessagePack].
func InMessagePack() RequestOption {
	return func(s *requestSettings) { s.messagePack = true }
}

// codecFor is that of a request.
func (l *link) codecFor(messagePack bool) (*codec, error) {
	switch {
	case !messagePack:
		return jsonCodec, nil
	case l.messagePack == nil:
		return nil, invalid("InMessagePack: the client was made without WithMessagePack")
	default:
		return l.messagePack, nil
	}
}

// params are those of a request: an array or an object, or nothing.
func (c *codec) params(method string, value any) ([]byte, error) {
	data, err := c.marshal(value)
	switch {
	case err != nil:
		return nil, err
	case c.isNothing(data):
		return nil, nil
	case !c.isCompound(data):
		return nil, invalid(fmt.Sprintf("the params of %q have to be an array or an object", method))
	default:
		return data, nil
	}
}

func (c *codec) isNothing(data []byte) bool {
	if c.messagePack {
		return len(data) == 1 && data[0] == packedNil
	}
	return string(data) == "null"
}

func (c *codec) isCompound(data []byte) bool {
	switch {
	case len(data) == 0:
		return false
	case c.messagePack:
		return isPackedCompound(data[0])
	default:
		return data[0] == '[' || data[0] == '{'
	}
}
