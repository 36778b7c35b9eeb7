// As configuration packages of the platform are written: tasks with what they are in them.
namespace Terrasoft.Configuration {
	using System;
	using System.Collections;
	using System.Collections.Generic;
	using System.Linq;
	using System.Runtime.Serialization;
	using Terrasoft.Common;
	using Terrasoft.Core;
	using Terrasoft.Core.Tasks;
	using CoreTasks = Terrasoft.Core.Tasks;

	#region Class: UpdateAudienceData

	// Made by its constructor only, with a connection that is left null, and private setters.
	internal class UpdateAudienceData {

		public UpdateAudienceData(UserConnection userConnection, string schemaName, Guid recordId, bool isFirstStep = false) {
			RecordId = recordId;
			SchemaName = schemaName;
			UserConnection = userConnection;
			IsFirstStep = isFirstStep;
		}

		public UserConnection UserConnection { get; set; }

		public Guid RecordId { get; private set; }

		public string SchemaName { get; private set; }

		public bool IsFirstStep { get; private set; }

	}

	#endregion

	#region Class: UpdateAudienceTask

	internal sealed class UpdateAudienceTask : IBackgroundTask<UpdateAudienceData>, IUserConnectionRequired {

		private UserConnection _userConnection;

		public void Run(UpdateAudienceData parameters) {
			Happened.Note("audience", parameters.UserConnection, parameters.SchemaName, parameters.RecordId, parameters.IsFirstStep, _userConnection);
			parameters.UserConnection = _userConnection;
		}

		public void SetUserConnection(UserConnection userConnection) => _userConnection = userConnection;

	}

	#endregion

	#region Class: SessionStartTask

	public class SessionStartTask : IBackgroundTask<bool>, IUserConnectionRequired {

		private UserConnection _uc;

		public void Run(bool parameters) => Happened.Note("session", parameters, _uc);

		public void SetUserConnection(UserConnection userConnection) => _uc = userConnection;

	}

	public class SessionStartListener {

		public void OnSessionStart() {
			Core.Tasks.Task.StartNewWithUserConnection<SessionStartTask, bool>(true);
		}

		public void Update(Guid recordId) {
			var data = new UpdateAudienceData(null, "BulkEmailSplit", recordId, true);
			CoreTasks.Task.StartNewWithUserConnection<UpdateAudienceTask, UpdateAudienceData>(data);
		}

	}

	#endregion

	#region Class: FormHandlerTask

	// Two constructors, of which the platform calls the one without parameters; members in lower case; a member of another class of the configuration.
	public class FormHandlerTask : CoreTasks.IBackgroundTask<FormHandlerTask.Dto>, IUserConnectionRequired {

		public class Dto {
			public Guid webFormId { get; set; }
			public FormData FormData { get; set; }
			public string ReferrerUri { get; set; }
		}

		protected UserConnection UserConnection { get; set; }

		public FormHandlerTask() { }

		public FormHandlerTask(UserConnection userConnection) {
			UserConnection = userConnection;
		}

		public void Run(Dto parameters) => Happened.Note("form " + parameters.webFormId, parameters, UserConnection);

		public void SetUserConnection(UserConnection userConnection) => UserConnection = userConnection;

	}

	[DataContract]
	public class FormData {

		[DataMember(Name = "formId")]
		public string FormId { get; set; }

		[DataMember(Name = "formFieldsData")]
		public FormFieldsData[] Fields { get; set; }

		[DataMember]
		private string secret;

		public string NotAMember { get; set; }

		public string Secret() => secret;

		public FormData Keep(string value) {
			secret = value;
			return this;
		}

	}

	[DataContract]
	internal sealed class HiddenFormData {

		[DataMember(Name = "id", Order = 1)]
		internal Guid Id { get; set; }

		[DataMember(Order = 2)]
		public object Value { get; set; }

	}

	[DataContract]
	public class FormFieldsData {

		[DataMember(Name = "name")]
		public string Name { get; set; }

		[DataMember(Name = "value")]
		public object Value { get; set; }

	}

	#endregion

	#region Class: AudienceSession

	// Constructor parameters that come from the application's container.
	public interface IAudienceRepository {
		string Name { get; }
	}

	public class AudienceSession : IBackgroundTask<string[]> {

		private readonly IAudienceRepository _repository;

		public AudienceSession(IAudienceRepository repository) => _repository = repository;

		public void Run(string[] parameters) => Happened.Note("injected", _repository.Name, parameters);

	}

	#endregion

}

namespace Terrasoft.Configuration {
	using System.Collections;
	using Terrasoft.Core.Tasks;

	// Takes any dictionary.
	internal sealed class UsrReflected : IBackgroundTask<IDictionary> {
		public void Run(IDictionary parameters) => Happened.Note("reflected", parameters);
	}
}
