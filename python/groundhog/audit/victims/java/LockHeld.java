import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

/** A lock taken and never given back, a semaphore counted down, a reference that somebody else compares. */
final class LockHeld extends Victim {
    private static final ReentrantLock LOCK = new ReentrantLock();
    private static final Semaphore PLACES = new Semaphore(100_000);
    private static final AtomicReference<String> OWNER = new AtomicReference<>();

    @Override
    String handle(String secret) throws Exception {
        String seen = "{\"holds\":" + LOCK.getHoldCount() + ",\"places\":" + PLACES.availablePermits()
                + ",\"owner\":\"" + OWNER.get() + "\"}";
        LOCK.lock();
        PLACES.acquire();
        OWNER.set(secret);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new LockHeld().run();
    }
}
