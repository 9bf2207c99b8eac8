package acurast

import (
	"context"
	"slices"
	"sync"
)

// watchers get all news, each by a channel of its own. Whoever calls its methods holds the lock of what is watched.
type watchers[T any] []watcher[T]

type watcher[T any] struct {
	news  chan T
	leave func() bool // so that a context which goes on forgets it
}

// watch adds a watcher, for whom so many news may wait, until ctx is done, or until end; where that was already, its channel is closed.
func (w *watchers[T]) watch(ctx context.Context, lock sync.Locker, ended bool, kept int) <-chan T {
	news := make(chan T, kept)
	if ended {
		close(news)
		return news
	}
	leave := context.AfterFunc(ctx, func() {
		lock.Lock()
		defer lock.Unlock()
		at := slices.IndexFunc(*w, func(each watcher[T]) bool { return each.news == news })
		if at >= 0 {
			*w = slices.Delete(*w, at, at+1)
			close(news)
		}
	})
	*w = append(*w, watcher[T]{news, leave})
	return news
}

// tell never waits: of a channel that is full the oldest is dropped.
func (w *watchers[T]) tell(one T) {
	for _, each := range *w {
		for told := false; !told; {
			select {
			case each.news <- one:
				told = true
			default:
				select {
				case <-each.news:
				default:
				}
			}
		}
	}
}

func (w *watchers[T]) end() {
	for _, each := range *w {
		each.leave()
		close(each.news)
	}
	*w = nil
}
