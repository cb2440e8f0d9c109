import groundhog.Groundhog;
import java.security.SecureRandom;
import java.util.UUID;

/** Sells tickets of a raffle. No two may be the same, though each request starts from the same snapshot. */
public final class Tickets {
    private static final int TICKETS = 1_000_000_000;

    private Tickets() {}

    public static void main(String[] arguments) throws Exception {
        SecureRandom numbers = Groundhog.reseed(SecureRandom.getInstance("DRBG")); // one of our own: to be named
        Groundhog.serve(request -> String.format(
                "{\"ticket\":\"%s\",\"number\":%d}", UUID.randomUUID(), numbers.nextInt(TICKETS)));
    }
}
