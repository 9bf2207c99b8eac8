package acurast

import (
	"context"
	"log/slog"
	"sync"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Service is a websocket service in the process: for tests, and for programs that are one. It runs until it is closed. Any goroutine
// may use it.
type Service struct {
	handle    *core.Service
	logger    *slog.Logger
	engine    *running
	listening chan struct{} // closed when the state says so
	finished  chan struct{} // closed after the last event
	url       string
	adminURL  string
	port      int

	mu       sync.Mutex
	state    State
	watchers watchers[StateChange]
}

// NewService starts a service and returns when clients can connect. Without [WithListen] it takes a free port of 127.0.0.1.
//
// It fails with [ErrBadOption], [ErrAddressInUse], [ErrNotPermitted], [ErrTLS] (certificate or key), [ErrInvalid] (no such address),
// [ErrNoMemory] or [ErrSystem].
func NewService(options ...ServiceOption) (*Service, error) {
	var settings []setting
	listens := false
	for _, option := range options {
		each := option.serviceOption()
		listens = listens || each.name == "listen"
		settings = append(settings, each)
	}
	if !listens {
		settings = append(settings, textSetting("listen", "127.0.0.1:0"))
	}
	c, err := configure(settings)
	if err != nil {
		return nil, err
	}
	made, err := makeOptions(core.ServiceScope, settings)
	if err != nil {
		return nil, err
	}
	defer made.Release()
	s := &Service{logger: c.logger, listening: make(chan struct{}), finished: make(chan struct{})}
	err = c.engine.enter(func(r *running, number uint64) (source, error) {
		var status core.Status
		s.engine = r
		s.handle, status = core.NewService(r.context, made, r.queue, number)
		return s, errorOf(status, made.Error())
	})
	if err != nil {
		return nil, err
	}
	if status, detail := s.handle.Start(); status != core.OK {
		s.Close()
		return nil, errorOf(status, detail)
	}
	s.mu.Lock()
	s.url, s.adminURL, s.port = s.handle.Addresses()
	s.mu.Unlock()
	<-s.listening
	return s, nil
}

// URL is where it listens first, such as "ws://127.0.0.1:9001".
func (s *Service) URL() string { return s.url }

// Port is the port of URL.
func (s *Service) Port() int { return s.port }

// AdminURL is the address of [WithAdminListen] as an http:// URL; "" without one.
func (s *Service) AdminURL() string { return s.adminURL }

// State is Listening, Draining or Closed.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// States are the changes from now on, as those of a client are.
func (s *Service) States(ctx context.Context) <-chan StateChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watchers.watch(ctx, &s.mu, s.state == Closed, statesKept)
}

// Reload reads the certificate, its key and the lists again from their files. Connections stay, but those whose id is now denied. Where it
// fails ([ErrTLS], [ErrBadOption], [ErrNoMemory], [ErrClosed]) the old ones stay in force.
func (s *Service) Reload() error {
	status, detail := s.handle.Reload()
	return errorOf(status, detail)
}

// Metrics are its figures in Prometheus text. It fails with [ErrClosed] once the service is closed.
func (s *Service) Metrics() (string, error) {
	text, status := s.handle.Metrics()
	return text, errorOf(status, "")
}

// Close drains: it stops accepting, tells every client, and lets out what waits, for at most the time of [WithDrainTime]. It returns when
// that is done, and always nil.
func (s *Service) Close() error {
	s.handle.Close()
	<-s.finished
	return nil
}

func (s *Service) onEvent(event *core.Event) {
	switch event.Kind {
	case core.StateEvent:
		s.onState(stateChange(event))
	case core.LogEvent:
		s.mu.Lock()
		url := s.url
		s.mu.Unlock()
		s.engine.log(s.logger, event, slog.String("service", url))
	}
}

func (s *Service) onState(change StateChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = change.State
	s.watchers.tell(change)
	if change.State == Listening {
		close(s.listening)
	}
}

func (s *Service) onOver() {
	s.handle.Release()
	s.mu.Lock()
	s.watchers.end()
	s.mu.Unlock()
	close(s.finished)
}
