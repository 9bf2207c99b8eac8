package acurast

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// functions are those of options_table.go, by the name that the core has for the option.
var functions = map[string]any{
	"threads":                     WithThreads,
	"log-level":                   WithLogLevel,
	"failover":                    WithFailover,
	"connect-timeout":             WithConnectTimeout,
	"handshake-timeout":           WithHandshakeTimeout,
	"backoff-min":                 WithBackoffMin,
	"backoff-max":                 WithBackoffMax,
	"refused-backoff":             WithRefusedBackoff,
	"reconnect-when-replaced":     WithReconnectWhenReplaced,
	"outbox-count":                WithOutboxCount,
	"outbox-bytes":                WithOutboxBytes,
	"send-timeout":                WithSendTimeout,
	"max-payload":                 WithMaxPayload,
	"ping-interval":               WithPingInterval,
	"ping-timeout":                WithPingTimeout,
	"max-work":                    WithMaxWork,
	"serve-running":               WithServeRunning,
	"serve-waiting":               WithServeWaiting,
	"linger":                      WithLinger,
	"ca-file":                     WithCAFile,
	"ca-pem":                      WithCAPEM,
	"proxy":                       WithProxy,
	"extensions":                  WithExtensions,
	"listen":                      WithListen,
	"admin-listen":                WithAdminListen,
	"name":                        WithName,
	"tls-cert":                    WithTLSCert,
	"tls-key":                     WithTLSKey,
	"trust-proxy":                 WithTrustProxy,
	"allow":                       WithAllow,
	"deny":                        WithDeny,
	"allow-file":                  WithAllowFile,
	"deny-file":                   WithDenyFile,
	"difficulty":                  WithDifficulty,
	"handshake-time":              WithHandshakeTime,
	"handshake-rate":              WithHandshakeRate,
	"max-pending":                 WithMaxPending,
	"max-connections":             WithMaxConnections,
	"max-connections-per-address": WithMaxConnectionsPerAddress,
	"max-frame":                   WithMaxFrame,
	"send-buffer":                 WithSendBuffer,
	"socket-send-buffer":          WithSocketSendBuffer,
	"socket-receive-buffer":       WithSocketReceiveBuffer,
	"rate-messages":               WithRateMessages,
	"rate-bytes":                  WithRateBytes,
	"mailbox-count":               WithMailboxCount,
	"mailbox-bytes":               WithMailboxBytes,
	"mailbox-seconds":             WithMailboxSeconds,
	"mailbox-total":               WithMailboxTotal,
	"memory":                      WithMemory,
	"drain-time":                  WithDrainTime,
	"presence":                    WithPresence,
	"watches":                     WithWatches,
}

// units are what a number of an option of this type counts.
var units = map[string]struct {
	duration time.Duration
	suffix   string
}{"milliseconds": {time.Millisecond, "ms"}, "seconds": {time.Second, "s"}}

// A value is an argument of an option's function, and the same as the core reads it from text.
type value struct {
	argument any
	text     string
}

// good are values that an option takes, and bad those that it does not.
func good(row core.OptionInfo) []value {
	switch row.Type {
	case "bool":
		return []value{{true, "on"}, {false, "off"}}
	case "choice":
		var all []value
		for _, choice := range strings.Split(row.Choices, "|") {
			all = append(all, value{choice, choice})
		}
		return all
	case "text":
		return []value{{"some text", "some text"}, {"", ""}}
	case "list":
		return []value{{"element", "element"}}
	default:
		return []value{number(row, row.Min), number(row, row.Max)}
	}
}

func bad(row core.OptionInfo) []value {
	switch row.Type {
	case "bool", "text", "list":
		return nil
	case "choice":
		return []value{{"nonsense", "nonsense"}}
	default:
		return []value{number(row, row.Min-1), number(row, row.Max+1)}
	}
}

func number(row core.OptionInfo, count int64) value {
	text := strconv.FormatInt(count, 10)
	if unit, is := units[row.Type]; is {
		return value{time.Duration(count) * unit.duration, text + unit.suffix}
	}
	return value{count, text}
}

// settingOf calls an option's function.
func settingOf(t *testing.T, row core.OptionInfo, argument any) setting {
	t.Helper()
	made := reflect.ValueOf(functions[row.Name]).Call([]reflect.Value{reflect.ValueOf(argument)})[0].Interface()
	switch row.Scope {
	case core.ContextScope:
		return made.(EngineOption).engineOption()
	case core.ClientScope:
		return made.(ClientOption).clientOption()
	default:
		return made.(ServiceOption).serviceOption()
	}
}

// textOf is what the core has for an option that was set.
func textOf(t *testing.T, row core.OptionInfo, set setting) string {
	t.Helper()
	options, err := makeOptions(row.Scope, []setting{set})
	if err != nil {
		t.Fatal(err)
	}
	defer options.Release()
	text, status := options.Text(row.Name)
	if status != core.OK {
		t.Fatal(Status(status))
	}
	return text
}

func TestEveryOptionSetsWhatItSays(t *testing.T) {
	left := map[string]bool{"url": true} // an argument
	for name := range functions {
		left[name] = true
	}
	for _, row := range core.OptionTable() {
		if functions[row.Name] == nil && row.Name != "url" {
			t.Errorf("%s: no function for it here", row.Name)
		}
		delete(left, row.Name)
		if row.Name == "url" {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			for _, each := range good(row) {
				want := textOf(t, row, textSetting(row.Name, each.text))
				if got := textOf(t, row, settingOf(t, row, each.argument)); got != want {
					t.Errorf("%v makes it %q, not %q", each.argument, got, want)
				}
			}
			for _, each := range bad(row) {
				_, err := makeOptions(row.Scope, []setting{settingOf(t, row, each.argument)})
				if !errors.Is(err, ErrBadOption) || !strings.Contains(err.Error(), row.Name) {
					t.Errorf("%v: %v", each.argument, err)
				}
			}
		})
	}
	if len(left) > 0 {
		t.Errorf("not in the core's table: %v", left)
	}
}

func TestDefaultsAreAccepted(t *testing.T) {
	for _, row := range core.OptionTable() {
		if row.Default == "" {
			continue
		}
		unset, err := makeOptions(row.Scope, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := unset.Text(row.Name)
		unset.Release()
		if got := textOf(t, row, textSetting(row.Name, row.Default)); got != want {
			t.Errorf("%s: %q is not the default, %q", row.Name, got, want)
		}
	}
}

func TestDurationsAreRoundedAwayFromZero(t *testing.T) {
	for argument, want := range map[time.Duration]string{
		0: "0ms", 1: "1ms", time.Millisecond: "1ms", time.Millisecond + 1: "2ms", time.Second: "1000ms",
	} {
		row := core.OptionInfo{Name: "linger", Scope: core.ClientScope}
		if got := textOf(t, row, WithLinger(argument).clientOption()); got != textOf(t, row, textSetting("linger", want)) {
			t.Errorf("%v makes it %s, not %s", argument, got, want)
		}
	}
	if _, err := makeOptions(core.ClientScope, []setting{WithLinger(-1).clientOption()}); !errors.Is(err, ErrBadOption) {
		t.Errorf("-1 ns: %v", err)
	}
}

func TestListsAreWhole(t *testing.T) {
	row := core.OptionInfo{Name: "listen", Scope: core.ServiceScope}
	if got := textOf(t, row, WithListen("127.0.0.1:1", "127.0.0.1:2").serviceOption()); !strings.Contains(got, ":1") ||
		!strings.Contains(got, ":2") || strings.Contains(got, "9001") {
		t.Errorf("%q", got)
	}
	if got := textOf(t, row, WithListen().serviceOption()); got != "" {
		t.Errorf("%q, though the list is empty", got)
	}
}

func TestURLsAreAList(t *testing.T) {
	for text, want := range map[string][]string{
		"":                      {},
		" , ":                   {},
		"ws://a":                {"ws://a"},
		" ws://a ,\twss://b\n,": {"ws://a", "wss://b"},
	} {
		if got := urlList(text); len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// C would see the text before the NUL alone.
func TestTextWithNULIsRefused(t *testing.T) {
	client, err := New("ws://127.0.0.1:1\x00.example")
	if client != nil || !errors.Is(err, ErrBadOption) {
		t.Fatal(client, err)
	}
}
