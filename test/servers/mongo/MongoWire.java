import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.h2.mvstore.MVStore;

/** The MongoDB wire protocol over an H2 file: MongoWire FILE PORT. */
public final class MongoWire {
  /**
   * Answers a command only when the file holds what it changed, so that kill -9 loses nothing.
   *
   * <p>An index serves a filter of exactly its fields here, where MongoDB finds a document by its
   * id whatever else the filter asks: so mas's filters get an index of their own.
   */
  private static final class Committing extends H2Backend {
    private final Object commands = new Object();
    private final AtomicLong changes = new AtomicLong();
    private long kept;

    Committing(MVStore store) {
      super(store);
    }

    @Override
    public Document handleMessage(MongoMessage message) {
      if (message.getDocument().get("indexes") instanceof List<?> asked) {
        List<Object> indexes = new ArrayList<>(asked);
        indexes.add(new Document("key", new Document("_id", 1).append("g", 1))
            .append("name", "state").append("unique", true));
        message.getDocument().put("indexes", indexes);
      }
      Document answer = copied(message);
      if (!message.getDocument().containsKey("find")) {
        keep(changes.incrementAndGet());
      }
      return answer;
    }

    /**
     * The answer as it is at its moment. It may name documents of the store itself, which the next
     * command changes in place: two callers would be told one number of a counter.
     */
    private Document copied(MongoMessage message) {
      synchronized (commands) {
        return super.handleMessage(message).cloneDeeply();
      }
    }

    /** Returns when the file holds changes up to {@code change}: one commit serves all who wait. */
    private synchronized void keep(long change) {
      if (kept >= change) {
        return;
      }
      long made = changes.get();
      commit();
      kept = made;
    }
  }

  public static void main(String[] arguments) throws Exception {
    MVStore store = new MVStore.Builder().fileName(arguments[0]).autoCommitDisabled().open();
    MongoServer server = new MongoServer(new Committing(store));
    server.bind("127.0.0.1", Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      server.shutdownNow();
      store.close();
    }));
    new CountDownLatch(1).await();
  }
}
