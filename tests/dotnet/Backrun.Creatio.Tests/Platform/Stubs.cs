// What look-alikes need of the platform besides its tasks: as little as compiles, and notes what it was asked for.
namespace Terrasoft.Common {
	using System;
	using System.Collections.Generic;
	using System.Linq;

	public static class EnumerableExtensions {
		public static bool IsEmpty<T>(this IEnumerable<T> source) => !source.Any();
	}
}

namespace Terrasoft.Core.DB {
	public class Select { }
}

namespace Terrasoft.Configuration {
	using System;
	using System.Collections.Concurrent;
	using System.Threading.Tasks;
	using Terrasoft.Core;

	/// <summary>What has happened, for the tests to wait for.</summary>
	public static class Happened {
		private static readonly ConcurrentDictionary<string, TaskCompletionSource<object[]>> All = new();

		public static void Note(string what, params object[] with) => Of(what).TrySetResult(with);

		public static System.Threading.Tasks.Task<object[]> Soon(string what) => Of(what).Task.WaitAsync(TimeSpan.FromMinutes(2));

		private static TaskCompletionSource<object[]> Of(string what) => All.GetOrAdd(what, _ => new TaskCompletionSource<object[]>(TaskCreationOptions.RunContinuationsAsynchronously));
	}

	public static class ActivityConsts {
		public static readonly Guid TaskTypeUId = new Guid("FBE0ACDC-CFC0-DF11-B00F-001D60E938C6");
	}

	public class Activity {
		private readonly UserConnection _userConnection;

		public Activity(UserConnection userConnection) {
			_userConnection = userConnection;
		}

		public bool UseAdminRights { get; set; }
		public Guid Id { get; set; }
		public Guid TypeId { get; set; }
		public string Title { get; set; }
		public Guid ActivityCategoryId { get; set; }

		public void SetDefColumnValues() { }

		public bool Save(bool validateRequired) {
			Happened.Note("Activity " + Title, TypeId, _userConnection);
			return true;
		}
	}
}
