// Command go_relay is what a program written by hand costs for the work of the service: an anchor of the benchmark, beside which ours
// is measured. It is a relay of the Acurast protocol in plain Go, with a goroutine for each connection and websocket frames of its own.
// It checks nothing, verifies no signature, and has no limits. Loopback only; never for real use.
//
// Who reads a message writes it into the buffer of its recipient. A connection's buffer is written by whoever finds it idle once its
// input is used up, and goes on as long as others append to it meanwhile, so that many small messages share a system call.
//
//	go_relay [PORT [CERT KEY]]     prints "listening on ws://127.0.0.1:PORT", or wss:// with a certificate and its key
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
)

const (
	idSize, headerSize                                = 16, 33
	initFrame, challenge, response, accepted, payload = 0x10, 0x11, 0x12, 0x13, 0x14

	binaryFrame  = 0x82
	closeFrame   = 0x88
	readSize     = 8 << 10
	keptSize     = 64 << 10 // a larger buffer is given back
	messageLimit = 8 << 20
	websocketID  = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

type id [idSize]byte

type connection struct {
	net.Conn
	name id

	lock    sync.Mutex
	waiting []byte // frames to write
	spare   []byte
	writing bool
}

var (
	names  sync.RWMutex
	byName = map[id]*connection{}
)

// append puts a frame behind what waits.
func (c *connection) append(message []byte) {
	c.lock.Lock()
	c.waiting = appendHead(c.waiting, len(message))
	c.waiting = append(c.waiting, message...)
	c.lock.Unlock()
}

func appendHead(to []byte, size int) []byte {
	switch {
	case size < 126:
		return append(to, binaryFrame, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(to, binaryFrame, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(to, binaryFrame, 127), uint64(size))
}

// flush writes what waits until nothing does, unless another goroutine is at it.
func (c *connection) flush() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.writing {
		return
	}
	c.writing = true
	for len(c.waiting) > 0 {
		out := c.waiting
		c.waiting = c.spare[:0]
		c.lock.Unlock()
		_, err := c.Write(out)
		c.lock.Lock()
		if c.spare = out; cap(out) > keptSize {
			c.spare = nil
		}
		if err != nil {
			c.waiting = nil
			break
		}
	}
	c.writing = false
}

// serve reads messages until the end, for which any error will do.
func (c *connection) serve() {
	defer c.end()
	in := bufio.NewReaderSize(c, readSize)
	if c.upgrade(in) != nil {
		return
	}
	var message []byte
	touched := map[*connection]struct{}{}
	for {
		opcode, mask, size, err := readHead(in)
		if err != nil || opcode == closeFrame || size < 0 || size > messageLimit {
			return
		}
		if cap(message) < size {
			message = make([]byte, size)
		}
		message = message[:size]
		if _, err := io.ReadFull(in, message); err != nil {
			return
		}
		unmask(message, mask)
		if opcode == binaryFrame && size >= headerSize {
			touched[c.take(message)] = struct{}{}
		}
		if in.Buffered() > 0 {
			continue // more is here, or on its way
		}
		for to := range touched {
			to.flush()
			delete(touched, to)
		}
	}
}

// take returns whose buffer was written to.
func (c *connection) take(message []byte) *connection {
	var to id
	switch message[0] {
	case payload:
		copy(to[:], message[1+idSize:])
		names.RLock()
		recipient := byName[to]
		names.RUnlock()
		if recipient != nil {
			recipient.append(message)
			return recipient
		}
	case initFrame:
		body := bytes.Repeat([]byte{0xff}, 32) // no work is asked for
		_, _ = rand.Read(body[16:])
		c.answer(challenge, message, body)
	case response:
		copy(c.name[:], message[1:])
		names.Lock()
		byName[c.name] = c
		names.Unlock()
		c.answer(accepted, message, nil)
	}
	return c
}

func (c *connection) answer(kind byte, to, body []byte) {
	var head [headerSize]byte
	head[0] = kind
	copy(head[1+idSize:], to[1:1+idSize])
	c.append(append(head[:], body...))
}

func (c *connection) upgrade(in *bufio.Reader) error {
	request, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + websocketID))
	_, err = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	return err
}

func readHead(in *bufio.Reader) (opcode byte, mask [4]byte, size int, err error) {
	head, err := in.Peek(6)
	if err != nil {
		return
	}
	opcode, size = head[0], int(head[1]&0x7f)
	more := 0
	if size > 125 {
		more = 2 + 6*(size-126)
	}
	if more > 0 {
		if head, err = in.Peek(6 + more); err != nil {
			return
		}
		size = 0
		for _, each := range head[2 : 2+more] {
			size = size<<8 | int(each)
		}
	}
	copy(mask[:], head[2+more:])
	_, err = in.Discard(6 + more)
	return
}

func unmask(message []byte, mask [4]byte) {
	double := uint64(binary.LittleEndian.Uint32(mask[:])) * (1<<32 + 1)
	for len(message) >= 8 {
		binary.LittleEndian.PutUint64(message, binary.LittleEndian.Uint64(message)^double)
		message = message[8:]
	}
	for i := range message {
		message[i] ^= mask[i%4]
	}
}

func (c *connection) end() {
	_ = c.Close()
	names.Lock()
	if byName[c.name] == c {
		delete(byName, c.name)
	}
	names.Unlock()
}

func main() {
	port, scheme := "0", "ws"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	if len(os.Args) == 4 {
		certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		listener, scheme = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}}), "wss"
	}
	fmt.Printf("listening on %s://127.0.0.1:%s\n", scheme, port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go (&connection{Conn: conn}).serve()
	}
}
