package acurast

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// ClientOption is an option of [Dial] and [New]: all With... that return it, or an [Option].
type ClientOption interface{ clientOption() setting }

// ServiceOption is an option of [NewService]: all With... that return it, or an [Option].
type ServiceOption interface{ serviceOption() setting }

// EngineOption is an option of [NewEngine].
type EngineOption interface{ engineOption() setting }

// Option is an option of clients and services alike.
type Option interface {
	ClientOption
	ServiceOption
}

// A setting is what an option does: with the core's options, or with the binding's own.
type setting struct {
	name string // of the core's option
	core func(*core.Options) core.Status
	own  func(*config) error
}

// config is what the binding itself is told.
type config struct {
	engine     *Engine
	logger     *slog.Logger
	identity   *Identity
	inboxCount int
	inboxBytes int

	messagePack *codec // nil where it is not spoken
}

const (
	defaultInboxCount = 1024
	defaultInboxBytes = 16 << 20
)

type (
	clientSetting  setting
	serviceSetting setting
	engineSetting  setting
	sharedSetting  setting
)

func (s clientSetting) clientOption() setting   { return setting(s) }
func (s serviceSetting) serviceOption() setting { return setting(s) }
func (s engineSetting) engineOption() setting   { return setting(s) }
func (s sharedSetting) clientOption() setting   { return setting(s) }
func (s sharedSetting) serviceOption() setting  { return setting(s) }

// WithEngine chooses the engine; without it all share one.
func WithEngine(engine *Engine) Option {
	return sharedSetting{own: func(c *config) error {
		if engine == nil {
			return invalid("WithEngine: nil")
		}
		c.engine = engine
		return nil
	}}
}

// WithLogger sends the core's log lines to a logger, from a goroutine of the engine; nil, the default, drops them. Which lines there are
// is decided by [WithLogLevel] of the engine; warnings and errors without it. Where a handler is slow, lines are dropped.
func WithLogger(logger *slog.Logger) Option {
	return sharedSetting{own: func(c *config) error {
		c.logger = logger
		return nil
	}}
}

// WithIdentity is the key pair that the client connects with. Without it a new one is made. It may be closed afterwards.
func WithIdentity(identity *Identity) ClientOption {
	return clientSetting{own: func(c *config) error {
		if identity == nil {
			return invalid("WithIdentity: nil")
		}
		c.identity = identity
		return nil
	}}
}

// WithInbox bounds the messages that have arrived and that nobody has taken, in number and in bytes: 1024 and 16 MiB without it. When
// one of them is reached the client stops reading from the service until half of them were taken; what is on its way then still
// comes, so that a few more may wait.
func WithInbox(count, bytes int) ClientOption {
	return clientSetting{own: func(c *config) error {
		if count < 1 || bytes < 1 {
			return invalid(fmt.Sprintf("WithInbox: %d messages, %d bytes: both have to be above 0", count, bytes))
		}
		c.inboxCount, c.inboxBytes = count, bytes
		return nil
	}}
}

func invalid(detail string) error { return &Error{Status: ErrInvalid, Detail: detail} }

func textSetting(name, value string) setting {
	return setting{name: name, core: func(o *core.Options) core.Status { return o.SetText(name, value) }}
}

func intSetting(name string, value int64) setting {
	return setting{name: name, core: func(o *core.Options) core.Status { return o.SetInt(name, value) }}
}

func boolSetting(name string, value bool) setting {
	if value {
		return intSetting(name, 1)
	}
	return intSetting(name, 0)
}

// durationSetting rounds away from 0, which means something else to most options.
func durationSetting(name string, value, unit time.Duration) setting {
	units := int64(value / unit)
	if value%unit > 0 {
		units++
	} else if value%unit < 0 {
		units--
	}
	return intSetting(name, units)
}

// listSetting is the whole list; none at all is an empty list where the core has one by default.
func listSetting(name string, values []string) setting {
	return setting{name: name, core: func(o *core.Options) core.Status {
		if len(values) == 0 {
			return o.SetText(name, "")
		}
		for _, value := range values {
			if status := o.Add(name, value); status != core.OK {
				return status
			}
		}
		return core.OK
	}}
}

// makeOptions is the core's options with settings applied. To be released.
func makeOptions(scope core.Scope, settings []setting) (*core.Options, error) {
	options, status := core.NewOptions(scope)
	if status != core.OK {
		return nil, errorOf(status, "")
	}
	for _, each := range settings {
		if each.core == nil {
			continue
		}
		if status := each.core(options); status != core.OK {
			err := errorOf(status, options.Error())
			options.Release()
			return nil, err
		}
	}
	return options, nil
}

// configure applies the binding's own settings.
func configure(settings []setting) (config, error) {
	c := config{engine: shared, inboxCount: defaultInboxCount, inboxBytes: defaultInboxBytes}
	var errs []error
	for _, each := range settings {
		if each.own != nil {
			errs = append(errs, each.own(&c))
		}
	}
	return c, errors.Join(errs...)
}

// urlList takes one URL or several, separated by commas or blanks.
func urlList(urls string) []string {
	return strings.FieldsFunc(urls, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}
