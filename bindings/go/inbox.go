package acurast

import "sync"

// inbox holds the messages that nobody has taken. When they are too many it asks for a pause, and takes that back at a half.
type inbox struct {
	pause    func(bool)
	maxCount int
	maxBytes int
	arrived  chan struct{} // has one while messages may be there and somebody should look
	ended    chan struct{} // closed when nothing comes any more

	mu       sync.Mutex
	messages fifo[Message]
	bytes    int
	paused   bool
	letsGo   bool // the client asks or serves
	wanted   bool // somebody has asked for a message
}

func newInbox(c config, pause func(bool)) *inbox {
	return &inbox{
		pause:    pause,
		maxCount: c.inboxCount,
		maxBytes: c.inboxBytes,
		arrived:  make(chan struct{}, 1),
		ended:    make(chan struct{}),
	}
}

func (b *inbox) put(message Message) {
	b.mu.Lock()
	if b.letsGo && !b.wanted {
		b.makeRoom(len(message.Payload))
	}
	b.messages.push(message)
	b.bytes += len(message.Payload)
	if !b.paused && (b.wanted || !b.letsGo) && (b.messages.size() >= b.maxCount || b.bytes >= b.maxBytes) {
		b.paused = true
		b.pause(true)
	}
	b.mu.Unlock()
	b.wakeOne()
}

// letGo is told by who asks or serves: as long as nobody has ever wanted a message, the oldest make room, so that strangers who send some
// cannot stop the answers.
func (b *inbox) letGo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letsGo = true
	for b.paused && !b.wanted {
		b.shift()
	}
}

// makeRoom lets the oldest go until a message of so many bytes is within the bounds, or alone.
func (b *inbox) makeRoom(bytes int) {
	for b.messages.size() > 0 && (b.messages.size() >= b.maxCount || b.bytes+bytes > b.maxBytes) {
		b.shift()
	}
}

// putBack makes a message that was taken the first again.
func (b *inbox) putBack(message Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages.pushFirst(message)
	b.bytes += len(message.Payload)
	b.wakeOne()
}

func (b *inbox) wakeOne() {
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// poll is the next message, if there is one.
func (b *inbox) poll() (message Message, found bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wanted = true
	if b.messages.size() == 0 {
		return message, false
	}
	message = b.shift()
	if b.messages.size() > 0 {
		b.wakeOne() // for somebody else
	}
	return message, true
}

// shift takes the oldest.
func (b *inbox) shift() Message {
	message := b.messages.pop()
	b.bytes -= len(message.Payload)
	if b.paused && b.messages.size() <= b.maxCount/2 && b.bytes <= b.maxBytes/2 {
		b.paused = false
		b.pause(false)
	}
	return message
}

// take waits for a message; false if nothing comes any more or done was closed first, however many messages wait.
func (b *inbox) take(done <-chan struct{}) (Message, bool) {
	select {
	case <-done: // to be asked before the loop alone: whoever was woken there has to look for a message
		return Message{}, false
	default:
	}
	for {
		if message, found := b.poll(); found {
			return message, true
		}
		select {
		case <-b.arrived:
		case <-done:
			return Message{}, false
		case <-b.ended:
			return b.poll()
		}
	}
}

// fifo is a queue in a ring that grows by doubling, and is let go of when it was large and is empty.
type fifo[T any] struct {
	ring  []T
	first int
	count int
}

const fifoKept = 64

func (f *fifo[T]) size() int { return f.count }

func (f *fifo[T]) push(value T) {
	f.makeRoom()
	f.ring[(f.first+f.count)&(len(f.ring)-1)] = value
	f.count++
}

func (f *fifo[T]) pushFirst(value T) {
	f.makeRoom()
	f.first = (f.first - 1) & (len(f.ring) - 1)
	f.ring[f.first] = value
	f.count++
}

func (f *fifo[T]) makeRoom() {
	if f.count < len(f.ring) {
		return
	}
	larger := make([]T, max(8, 2*len(f.ring)))
	n := copy(larger, f.ring[f.first:])
	copy(larger[n:], f.ring[:f.first])
	f.ring, f.first = larger, 0
}

func (f *fifo[T]) pop() T {
	var none T
	value := f.ring[f.first]
	f.ring[f.first] = none
	f.first = (f.first + 1) & (len(f.ring) - 1)
	f.count--
	if f.count == 0 && len(f.ring) > fifoKept {
		*f = fifo[T]{}
	}
	return value
}
