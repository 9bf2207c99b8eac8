package acurast

// The little of MessagePack that has to be known without a library: where the parts of a map are. Values that come from the core are whole.

const (
	packedNil     = 0xc0
	packedNever   = 0xc1
	packedBin8    = 0xc4
	packedExt8    = 0xc7
	packedFloat32 = 0xca
	packedUint8   = 0xcc
	packedInt8    = 0xd0
	packedFixExt1 = 0xd4
	packedStr8    = 0xd9
	packedArray16 = 0xdc
	packedMap16   = 0xde
	packedMinus32 = 0xe0
)

func isPackedMap(first byte) bool { return first&0xf0 == 0x80 || first&0xfe == packedMap16 }

func isPackedCompound(first byte) bool {
	return first&0xe0 == 0x80 || first >= packedArray16 && first < packedMinus32
}

// packedHead reads the first byte of a value, and its length where that follows: how many bytes belong to this head, how many more to the value
// itself, and how many values are within it.
func packedHead(data []byte) (head, body, within uint64, found bool) {
	if len(data) == 0 {
		return 0, 0, 0, false
	}
	first := data[0]
	switch {
	case first < 0x80 || first >= packedMinus32:
		return 1, 0, 0, true
	case first < 0x90:
		return 1, 0, 2 * uint64(first&0x0f), true
	case first < 0xa0:
		return 1, 0, uint64(first & 0x0f), true
	case first < packedNil:
		return 1, uint64(first & 0x1f), 0, true
	case first < packedBin8:
		return 1, 0, 0, first != packedNever
	case first < packedExt8:
		return packedLength(data, first-packedBin8, 0)
	case first < packedFloat32:
		return packedLength(data, first-packedExt8, 1)
	case first < packedUint8:
		return 1, 4 << (first - packedFloat32), 0, true
	case first < packedFixExt1:
		return 1, 1 << ((first - packedUint8) % (packedInt8 - packedUint8)), 0, true
	case first < packedStr8:
		return 1, 1 + 1<<(first-packedFixExt1), 0, true
	case first < packedArray16:
		return packedLength(data, first-packedStr8, 0)
	default:
		head, count, _, found := packedLength(data, 1+first&1, 0)
		if first >= packedMap16 {
			count *= 2
		}
		return head, 0, count, found
	}
}

// packedLength reads a length of 1, 2 or 4 bytes: by its logarithm.
func packedLength(data []byte, log byte, extra uint64) (head, body, within uint64, found bool) {
	bytes := 1 << log
	if len(data) <= bytes {
		return 0, 0, 0, false
	}
	var length uint64
	for _, each := range data[1 : 1+bytes] {
		length = length<<8 | uint64(each)
	}
	return 1 + uint64(bytes), length + extra, 0, true
}

// packedCut takes the first value off.
func packedCut(data []byte) (value, rest []byte, found bool) {
	at := uint64(0)
	for left := uint64(1); left > 0; left-- {
		head, body, within, found := packedHead(data[at:])
		if !found || head+body > uint64(len(data))-at {
			return nil, nil, false
		}
		at += head + body
		left += within
	}
	return data[:at], data[at:], true
}

// packedText is a value that is a text.
func packedText(value []byte) (text string, is bool) {
	if len(value) == 0 || value[0]&0xe0 != 0xa0 && (value[0] < packedStr8 || value[0] >= packedArray16) {
		return "", false
	}
	head, body, _, found := packedHead(value)
	if !found || head+body > uint64(len(value)) {
		return "", false
	}
	return string(value[head : head+body]), true
}

// packedEach calls a function for each member of a map whose name is a text.
func packedEach(value []byte, member func(name string, value []byte)) {
	head, _, within, found := packedHead(value)
	if !found || !isPackedMap(value[0]) {
		return
	}
	rest := value[head:]
	for ; within > 1; within -= 2 {
		var name, part []byte
		if name, rest, found = packedCut(rest); !found {
			return
		}
		if part, rest, found = packedCut(rest); !found {
			return
		}
		if text, is := packedText(name); is {
			member(text, part)
		}
	}
}
