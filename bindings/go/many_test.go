package acurast_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

// oracles serve "price", with these answers; "" is none.
func oracles(t *testing.T, url string, answers ...string) []acurast.ID {
	t.Helper()
	var ids []acurast.ID
	for _, answer := range answers {
		answer := answer
		server := dial(t, url)
		check(t, server.Serve(map[string]acurast.Handler{"price": func(ctx context.Context, request *acurast.Request) (any, error) {
			if answer == "" {
				<-ctx.Done()
			}
			return json.RawMessage(answer), nil
		}}))
		ids = append(ids, server.ID())
	}
	return ids
}

func TestAllAreAsked(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		ids := oracles(t, url, "1", "2", "3")
		asker := dial(t, url)
		answers, err := asker.RequestMany(patient(t), append(ids, ids...), "price", nil, nil) // each has one voice
		check(t, err)
		var said []string
		for _, each := range answers {
			check(t, each.Err)
			said = append(said, string(each.Result))
		}
		slices.Sort(said)
		if strings.Join(said, "") != "123" {
			t.Fatal(said)
		}
	})
}

func TestTheRestIsCancelledOnceThereAreEnough(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	ids := oracles(t, url, "", "7", "", "7")
	asker := dial(t, url)
	var price int
	begun := time.Now()
	answers, err := asker.RequestMany(patient(t), ids, "price", nil, &price, acurast.Need(2))
	if err != nil || len(answers) != 2 || price != 7 {
		t.Fatal(answers, price, err)
	}
	if took := time.Since(begun); took > soon {
		t.Fatal(took)
	}
	waiting(t, asker, 0)
}

func TestManyAgree(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	ids := oracles(t, url, `{"a":1,"b":[2.50]}`, "", `{"b":[25e-1],"a":1.0}`, `{"a":2,"b":[2.5]}`)
	var price struct{ A float64 }
	asker := dial(t, url)
	answers, err := asker.RequestMany(patient(t), ids, "price", nil, &price, acurast.Need(2), acurast.Agree())
	if err != nil || price.A != 1 || len(answers) < 2 {
		t.Fatal(answers, price, err)
	}
}

func TestItEndsAsSoonAsItIsImpossible(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	ids := append(oracles(t, url, "1", "2", ""), acurast.ID{1})
	asker := dial(t, url)
	begun := time.Now()
	for _, options := range [][]acurast.RequestOption{nil, {acurast.Need(3), acurast.Agree()}} {
		answers, err := asker.RequestMany(patient(t), ids, "price", nil, nil, options...)
		var few *acurast.NotEnoughError
		if !errors.As(err, &few) || len(few.Answers) != len(answers) || len(answers) == 0 || len(answers) == 4 {
			t.Fatal(answers, err)
		}
	}
	if took := time.Since(begun); took > soon {
		t.Fatal(took)
	}
	waiting(t, asker, 0)
	_, err := asker.RequestMany(patient(t), []acurast.ID{{1}, {2}}, "price", nil, nil, acurast.Need(1))
	var few *acurast.NotEnoughError
	if !errors.As(err, &few) || len(few.Answers) != 2 || !errors.Is(err, acurast.ErrNotHere) {
		t.Fatal(err)
	}
}

func TestContextEndsThemAll(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	ids := oracles(t, url, "1", "")
	asker := dial(t, url)
	ctx, cancel := context.WithTimeout(patient(t), 300*time.Millisecond)
	defer cancel()
	answers, err := asker.RequestMany(ctx, ids, "price", nil, nil)
	wants(t, err, acurast.ErrTimeout, context.DeadlineExceeded)
	if len(answers) != 2 || string(answers[0].Result) != "1" || !errors.Is(answers[1].Err, acurast.ErrTimeout) {
		t.Fatal(answers)
	}
}

func TestManyOfAClientThatCloses(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	ids := oracles(t, url, "1", "")
	asker := dial(t, url, acurast.WithLinger(0))
	first := make(chan []acurast.Answer, 1)
	ends := in(func() error {
		answers, err := asker.RequestMany(patient(t), ids, "price", nil, nil)
		first <- answers
		return err
	})
	waiting(t, asker, 2) // of three: the request and two parts of it
	asker.Close()
	wants(t, await(t, ends, "the request"), acurast.ErrClosed)
	if answers := <-first; len(answers) == 0 || string(answers[0].Result) != "1" {
		t.Fatal(answers)
	}
}

func TestACancelledContextLeavesWhatWasSaid(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	ids := oracles(t, url, "1", "")
	asker := dial(t, url)
	ctx, cancel := context.WithCancel(patient(t))
	var answers []acurast.Answer
	ends := in(func() (err error) {
		answers, err = asker.RequestMany(ctx, ids, "price", nil, nil)
		return err
	})
	waiting(t, asker, 2) // of three: the request and two parts of it
	cancel()
	wants(t, await(t, ends, "the request"), acurast.ErrCancelled, context.Canceled)
	if len(answers) != 2 || string(answers[0].Result) != "1" || !errors.Is(answers[1].Err, context.Canceled) {
		t.Fatal(answers)
	}
	waiting(t, asker, 0)
}

func TestProgressOfMany(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	one, _ := serve(t, url)
	other, _ := serve(t, url)
	told := 0
	_, err := dial(t, url).RequestMany(patient(t), []acurast.ID{one.ID(), other.ID()}, "count", nil, nil,
		acurast.OnProgress(func(json.RawMessage) { told++ }))
	if err != nil || told != 20 {
		t.Fatal(told, err)
	}
}

func TestMoreThanFitIntoTheOutbox(t *testing.T) {
	leakless(t)
	asker := dial(t, newService(t).URL(), acurast.WithOutboxCount(8))
	var ids []acurast.ID
	for i := byte(0); i < 8; i++ {
		ids = append(ids, acurast.ID{i})
	}
	_, err := asker.RequestMany(patient(t), ids, "price", nil, nil)
	wants(t, err, acurast.ErrTooLarge)
	_, err = asker.RequestMany(patient(t), ids[:3], "price", nil, nil)
	wants(t, err, acurast.ErrNotEnoughAnswers, acurast.ErrNotHere)
}

func TestWrongArgumentsOfMany(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	ids := []acurast.ID{client.ID(), client.ID()}
	for _, need := range []int{-1, 0, 2} { // there is one
		_, err := client.RequestMany(patient(t), ids, "price", nil, nil, acurast.Need(need))
		wants(t, err, acurast.ErrInvalid)
	}
	_, err := client.RequestMany(patient(t), ids, strings.Repeat("a", 256), nil, nil)
	wants(t, err, acurast.ErrInvalid)
	_, err = client.RequestMany(patient(t), nil, "price", nil, nil)
	wants(t, err, acurast.ErrInvalid)
}
