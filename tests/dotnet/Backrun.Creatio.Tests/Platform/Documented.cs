// After the example of the platform's page "Register a background operation": the same usings, shapes and calls.
namespace Terrasoft.Configuration {
	using System;
	using Terrasoft.Common;
	using Terrasoft.Core;
	using Terrasoft.Core.DB;

	public class UsrNoteData {
		public string Title {
			get;
			set;
		}
		public Guid TypeId {
			get;
			set;
		}
	}
}

namespace Terrasoft.Configuration {
	using System;
	using Terrasoft.Common;
	using Terrasoft.Core;
	using Terrasoft.Core.DB;
	using Terrasoft.Core.Tasks;
	using System.Threading.Tasks;

	public class UsrBackgroundNoteCreator: IBackgroundTask <UsrNoteData> , IUserConnectionRequired {
		private UserConnection _userConnection;

		/* The Run method of the IBackgroundTask interface. */
		public void Run(UsrNoteData data) {
			System.Threading.Tasks.Task.Delay(TimeSpan.FromSeconds(30));
			var activity = new Activity(_userConnection) {
				UseAdminRights = false,
				Id = Guid.NewGuid(),
				TypeId = data.TypeId,
				Title = data.Title,
				ActivityCategoryId = new Guid("F51C4643-58E6-DF11-971B-001D60E938C6")
			};
			activity.SetDefColumnValues();
			activity.Save(false);
		}

		/* The SetUserConnection method of the IUserConnectionRequired interface. */
		public void SetUserConnection(UserConnection userConnection) {
			_userConnection = userConnection;
		}
	}
}

namespace Terrasoft.Core.Process {
	using Terrasoft.Configuration;

	public class UsrNoteProcess {
		public bool ScriptTaskExecute() {
			var data = new UsrNoteData {
				Title = "Note created by background task",
				TypeId = ActivityConsts.TaskTypeUId
			};
			Terrasoft.Core.Tasks.Task.StartNewWithUserConnection <UsrBackgroundNoteCreator, UsrNoteData> (data);

			return true;
		}
	}
}
