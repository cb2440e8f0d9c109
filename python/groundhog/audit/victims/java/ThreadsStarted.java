import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Threads left running, with the secret on their stacks; and one that is started and ended within the request. */
final class ThreadsStarted extends Victim {
    private static final AtomicInteger STARTED = new AtomicInteger();
    private static volatile String scribbled;

    @Override
    String handle(String secret) throws Exception {
        String seen = "{\"threads\":" + Thread.activeCount() + ",\"started\":" + STARTED.get() + ",\"scribbled\":"
                + (scribbled != null) + "}";
        if (STARTED.get() < 20) {
            CountDownLatch ready = new CountDownLatch(1);
            Thread thread = new Thread(() -> {
                STARTED.incrementAndGet();
                while (true) {
                    scribbled = secret;
                    ready.countDown();
                    java.util.concurrent.locks.LockSupport.parkNanos(500_000);
                }
            });
            thread.setDaemon(true);
            thread.start();
            ready.await();
        }
        Thread brief = new Thread(STARTED::get);
        brief.start();
        brief.join();
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new ThreadsStarted().run();
    }
}
