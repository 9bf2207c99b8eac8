package acurast

import (
	"context"
	"log/slog"
	"sync"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// logLines is how many lines of log may wait for a slow handler; further ones are dropped.
const logLines = 256

// Engine is what does the work for clients and services: the core's I/O threads, and one goroutine that takes what they tell. It
// lives while a client or a service is open on it, so there is nothing to close. Without [WithEngine] all share one.
//
// Any goroutine may use it.
type Engine struct {
	options []EngineOption
	mu      sync.Mutex
	running *running // nil while nothing is open
}

// shared is the engine of those who name none.
var shared = &Engine{}

// NewEngine makes an engine with options of its own, such as [WithThreads]. The error is a [*Error] for an option that is out of range.
func NewEngine(options ...EngineOption) (*Engine, error) {
	engine := &Engine{options: options}
	checked, err := engine.settings()
	if err != nil {
		return nil, err
	}
	checked.Release()
	return engine, nil
}

func (e *Engine) settings() (*core.Options, error) {
	settings := make([]setting, 0, len(e.options))
	for _, option := range e.options {
		settings = append(settings, option.engineOption())
	}
	return makeOptions(core.ContextScope, settings)
}

// source is who gets the events of one client or service, in the engine's goroutine. It must not wait.
type source interface {
	onEvent(event *core.Event)
	// onOver comes last, once the event CLOSED was given back.
	onOver()
}

// running is an engine at work.
type running struct {
	engine  *Engine
	context *core.Context
	queue   *core.Queue
	logs    chan logLine

	last uint64 // with the engine's lock

	mu      sync.RWMutex
	sources map[uint64]source

	over []uint64 // of the goroutine alone: closed in this batch
}

type logLine struct {
	logger *slog.Logger
	level  slog.Level
	text   string
	about  slog.Attr
}

// enter finds a place for a new source, and starts the engine for the first.
func (e *Engine) enter(join func(r *running, number uint64) (source, error)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.running
	if r == nil {
		var err error
		if r, err = e.start(); err != nil {
			return err
		}
	}
	r.last++
	joined, err := join(r, r.last) // which may take its time; no event comes before the source is told to begin
	if err == nil {
		r.mu.Lock()
		r.sources[r.last] = joined
		r.mu.Unlock()
	}
	switch {
	case e.running != nil:
	case err != nil:
		r.release()
	default:
		e.running = r
		go r.run()
	}
	return err
}

func (e *Engine) start() (*running, error) {
	if err := core.CheckVersion(); err != nil {
		return nil, err
	}
	settings, err := e.settings()
	if err != nil {
		return nil, err
	}
	defer settings.Release()
	owned, status := core.NewContext(settings)
	if status != core.OK {
		return nil, errorOf(status, "")
	}
	queue, err := core.NewQueue(owned)
	if err != nil {
		owned.Release()
		return nil, &Error{Status: ErrSystem, Detail: err.Error()}
	}
	return &running{engine: e, context: owned, queue: queue, sources: map[uint64]source{}, logs: make(chan logLine, logLines)}, nil
}

// run takes events until the last source has closed.
func (r *running) run() {
	go r.writeLogs()
	defer close(r.logs)
	for {
		// What fails here is our own: a queue that nobody else uses does not.
		if err := r.queue.Drain(r.deliver); err != nil {
			panic("acurast: " + err.Error())
		}
		if r.endIfEmpty() {
			return
		}
	}
}

func (r *running) deliver(event *core.Event) {
	r.mu.RLock()
	to := r.sources[event.Source]
	r.mu.RUnlock()
	if to == nil {
		return
	}
	to.onEvent(event)
	if event.Kind == core.StateEvent && State(event.State) == Closed {
		r.over = append(r.over, event.Source)
	}
}

// endIfEmpty lets go of who has closed, and of everything after the last.
func (r *running) endIfEmpty() bool {
	if len(r.over) == 0 {
		return false
	}
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	gone := make([]source, 0, len(r.over))
	r.mu.Lock()
	for _, number := range r.over {
		gone = append(gone, r.sources[number])
		delete(r.sources, number)
	}
	r.over = r.over[:0]
	empty := len(r.sources) == 0
	r.mu.Unlock()
	if empty {
		r.engine.running = nil
	}
	defer func() {
		for _, each := range gone {
			each.onOver()
		}
	}()
	if empty {
		r.release()
	}
	return empty
}

func (r *running) release() {
	r.queue.Release()
	r.context.Release()
}

// log passes a line on, or drops it where too many wait.
func (r *running) log(logger *slog.Logger, event *core.Event, about slog.Attr) {
	if logger == nil {
		return
	}
	select {
	case r.logs <- logLine{logger, slogLevel(event.Level), event.Text, about}:
	default:
	}
}

// writeLogs calls the user's handlers, which may take their time.
func (r *running) writeLogs() {
	for line := range r.logs {
		line.logger.LogAttrs(context.Background(), line.level, line.text, line.about)
	}
}

func slogLevel(level int) slog.Level {
	switch level {
	case core.LogError:
		return slog.LevelError
	case core.LogWarn:
		return slog.LevelWarn
	case core.LogInfo:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}
